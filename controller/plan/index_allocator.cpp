#include "controller/plan/index_allocator.h"

#include <cerrno>
#include <utility>

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

IndexAllocator IndexAllocator::from_names(const std::vector<std::string> &rows,
                                          const std::map<std::uint16_t, std::string> &addresses) {
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
    for (const auto &[index, address] : addresses)
        if (const auto name = allocator.name_of(IndexKind::target, index); !name.empty())
            allocator.addresses_[name] = address;
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

Result<std::uint16_t> IndexAllocator::claim_target(const std::string &group, const std::string &id,
                                                   const std::string &address) {
    const auto name = target_name(group, id), same_before = displaced_name(group, id, address);
    const auto known = addresses_.find(name);
    if (known != addresses_.end() && known->second != address)
        rename_target(name, displaced_name(group, id, std::string(known->second)));
    if (table(IndexKind::target).indexes.contains(same_before))
        rename_target(same_before, name);
    GLB_ASSIGN(const auto index, claim(IndexKind::target, name));
    addresses_[name] = address;
    return index;
}

/// If both names have indexes, they exchange them.
void IndexAllocator::rename_target(const std::string &from, const std::string &to) {
    auto &owned = table(IndexKind::target);
    auto moved = owned.indexes.extract(from);
    auto replaced = owned.indexes.extract(to);
    const auto insert = [&](auto &node, const std::string &name) {
        if (node.empty())
            return;
        owned.names[node.mapped()] = name;
        node.key() = name;
        owned.indexes.insert(std::move(node));
    };
    insert(moved, to);
    insert(replaced, from);
    const bool from_retired = owned.retired.erase(from), to_retired = owned.retired.erase(to);
    if (from_retired)
        owned.retired.insert(to);
    if (to_retired)
        owned.retired.insert(from);
    auto moved_address = addresses_.extract(from), replaced_address = addresses_.extract(to);
    if (!moved_address.empty())
        addresses_[to] = moved_address.mapped();
    if (!replaced_address.empty())
        addresses_[from] = replaced_address.mapped();
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
    if (kind == IndexKind::target)
        addresses_.erase(name);
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

std::string address_text(const IpAddress &address, std::uint16_t port) {
    return address.family == 6 ? fmt::format("[{}]:{}", address.to_string(), port)
                               : fmt::format("{}:{}", address.to_string(), port);
}

/// Neither groups nor ids contain '@' or '~'.
std::string displaced_name(const std::string &group, const std::string &id, const std::string &address) {
    constexpr std::size_t longest = sizeof(glb_index_name) - 1, digest_size = 9;
    const auto suffix = '@' + address;
    const auto room = longest - group.size() - 1 - suffix.size();
    if (id.size() <= room)
        return target_name(group, id) + suffix;
    std::uint32_t digest = 2166136261; // FNV-1a
    for (const char c : id)
        digest = (digest ^ static_cast<std::uint8_t>(c)) * 16777619;
    return fmt::format("{}~{:08x}{}", target_name(group, id.substr(0, room - digest_size)), digest, suffix);
}

TargetId parse_target_name(const std::string &name) {
    const auto slash = name.find('/');
    if (slash == std::string::npos)
        return {};
    return {name.substr(0, slash), name.substr(slash + 1, name.find('@', slash) - slash - 1)};
}

} // namespace glb::plan
