#include "controller/plan/index_allocator.h"

#include <cerrno>

#include "abi/config.h"

namespace glb::plan {

namespace {

struct Range {
    std::uint32_t first_row; // in glb_index_names
    std::uint32_t size;
    const char *plural;
};

constexpr std::array<Range, 3> ranges{{
    {GLB_INDEX_NAMES_ENDPOINTS, GLB_MAX_ENDPOINTS, "endpoints"},
    {GLB_INDEX_NAMES_GROUPS, GLB_MAX_GROUPS, "target groups"},
    {GLB_INDEX_NAMES_TARGETS, GLB_MAX_TARGETS, "targets"},
}};

} // namespace

IndexAllocator IndexAllocator::from_names(const std::vector<std::string> &rows) {
    IndexAllocator allocator;
    for (std::size_t kind = 0; kind < ranges.size(); ++kind) {
        auto &table = allocator.tables_[kind];
        for (std::uint32_t i = 0; i < ranges[kind].size; ++i) {
            const auto row = ranges[kind].first_row + i;
            if (row >= rows.size() || rows[row].empty())
                continue;
            // A daemon that was killed while moving a name leaves it in two rows; the first one counts.
            if (!table.indexes.emplace(rows[row], static_cast<std::uint16_t>(i)).second)
                continue;
            table.names.emplace(static_cast<std::uint16_t>(i), rows[row]);
            table.retired.insert(rows[row]);
        }
    }
    return allocator;
}

Result<std::uint16_t> IndexAllocator::claim(IndexKind kind, const std::string &name) {
    auto &owned = table(kind);
    owned.retired.erase(name);
    if (const auto found = owned.indexes.find(name); found != owned.indexes.end())
        return found->second;
    const auto &range = ranges[static_cast<std::size_t>(kind)];
    std::uint16_t free = 0;
    for (const auto &[index, owner] : owned.names) {
        if (index != free)
            break;
        ++free;
    }
    if (free >= range.size)
        return tl::unexpected(
            Error{fmt::format("no free index for {}: all {} {} are in use or still referenced by "
                              "flows after their removal; retry when those flows have ended",
                              name, range.size, range.plural),
                  EAGAIN});
    owned.indexes.emplace(name, free);
    owned.names.emplace(free, name);
    return free;
}

std::optional<std::uint16_t> IndexAllocator::find(IndexKind kind, const std::string &name) const {
    const auto &indexes = table(kind).indexes;
    const auto found = indexes.find(name);
    return found == indexes.end() ? std::nullopt : std::optional(found->second);
}

std::string IndexAllocator::name_of(IndexKind kind, std::uint16_t index) const {
    const auto &names = table(kind).names;
    const auto found = names.find(index);
    return found == names.end() ? std::string() : found->second;
}

void IndexAllocator::retire(IndexKind kind, const std::string &name) {
    if (table(kind).indexes.contains(name))
        table(kind).retired.insert(name);
}

void IndexAllocator::release(IndexKind kind, const std::string &name) {
    auto &owned = table(kind);
    if (!owned.retired.erase(name))
        return;
    const auto found = owned.indexes.find(name);
    owned.names.erase(found->second);
    owned.indexes.erase(found);
}

std::vector<std::string> IndexAllocator::retired(IndexKind kind) const {
    const auto &set = table(kind).retired;
    return {set.begin(), set.end()};
}

std::vector<std::string> IndexAllocator::rows() const {
    std::vector<std::string> rows(GLB_INDEX_NAMES);
    for (std::size_t kind = 0; kind < ranges.size(); ++kind)
        for (const auto &[index, name] : tables_[kind].names)
            rows[ranges[kind].first_row + index] = name;
    return rows;
}

} // namespace glb::plan
