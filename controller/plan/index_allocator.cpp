#include "controller/plan/index_allocator.h"

#include <cerrno>

#include "abi/config.h"

namespace glb {

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
    IndexAllocator book;
    for (std::size_t kind = 0; kind < ranges.size(); ++kind) {
        auto &side = book.sides_[kind];
        for (std::uint32_t i = 0; i < ranges[kind].size; ++i) {
            const auto row = ranges[kind].first_row + i;
            if (row >= rows.size() || rows[row].empty())
                continue;
            // A daemon that was killed while it moved a name leaves it twice: one of the two is free.
            if (!side.indexes.emplace(rows[row], static_cast<std::uint16_t>(i)).second)
                continue;
            side.names.emplace(static_cast<std::uint16_t>(i), rows[row]);
            side.retired.insert(rows[row]);
        }
    }
    return book;
}

Result<std::uint16_t> IndexAllocator::claim(Kind kind, const std::string &name) {
    auto &book = side(kind);
    book.retired.erase(name);
    if (const auto found = book.indexes.find(name); found != book.indexes.end())
        return found->second;
    const auto &range = ranges[static_cast<std::size_t>(kind)];
    std::uint16_t free = 0;
    for (const auto &[index, owner] : book.names) {
        if (index != free)
            break;
        ++free;
    }
    if (free >= range.size)
        return tl::unexpected(
            Error{fmt::format("no index is free for {}: all {} {} are in use, or still in the flow "
                              "table after their removal; try again when those flows have ended",
                              name, range.size, range.plural),
                  EAGAIN});
    book.indexes.emplace(name, free);
    book.names.emplace(free, name);
    return free;
}

std::optional<std::uint16_t> IndexAllocator::find(Kind kind, const std::string &name) const {
    const auto &indexes = side(kind).indexes;
    const auto found = indexes.find(name);
    return found == indexes.end() ? std::nullopt : std::optional(found->second);
}

std::string IndexAllocator::name_of(Kind kind, std::uint16_t index) const {
    const auto &names = side(kind).names;
    const auto found = names.find(index);
    return found == names.end() ? std::string() : found->second;
}

void IndexAllocator::retire(Kind kind, const std::string &name) {
    if (side(kind).indexes.contains(name))
        side(kind).retired.insert(name);
}

void IndexAllocator::release(Kind kind, const std::string &name) {
    auto &book = side(kind);
    if (!book.retired.erase(name))
        return;
    const auto found = book.indexes.find(name);
    book.names.erase(found->second);
    book.indexes.erase(found);
}

std::vector<std::string> IndexAllocator::retired(Kind kind) const {
    const auto &set = side(kind).retired;
    return {set.begin(), set.end()};
}

std::vector<std::string> IndexAllocator::rows() const {
    std::vector<std::string> rows(GLB_INDEX_NAMES);
    for (std::size_t kind = 0; kind < ranges.size(); ++kind)
        for (const auto &[index, name] : sides_[kind].names)
            rows[ranges[kind].first_row + index] = name;
    return rows;
}

} // namespace glb
