// IndexAllocator: the data path's indexes of endpoints, groups and targets.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/util/address.h"
#include "controller/util/result.h"

namespace glb::plan {

enum class IndexKind : std::uint8_t { endpoint, group, target };

/// Flow entries refer to endpoints and targets by index, so an index outlives its owner: retire() reserves it
/// until a scan of the flow table finds no live entry with it. A name that is claimed again before gets the
/// same index.
///
/// A target is an appliance: the same id with another address or port is another one, with another index. The one that
/// is configured has target_name(), its predecessors have displaced_name().
class IndexAllocator {
  public:
    IndexAllocator() = default;
    /// From the rows of glb_index_names. All names are retired until claimed. `addresses`: of targets by index, as
    /// address_text(); a target whose address is not known keeps its index at any.
    [[nodiscard]] static IndexAllocator
    from_names(const std::vector<std::string> &rows,
               const std::map<std::uint16_t, std::string> &addresses = {});

    /// The index of `name`: the existing one, or the lowest free one. EAGAIN if none is free.
    [[nodiscard]] Result<std::uint16_t> claim(IndexKind kind, const std::string &name);
    /// The same for the target `id` at `address` (address_text()). A holder of the name with another address is
    /// displaced; one that had this address before gets its index back.
    [[nodiscard]] Result<std::uint16_t> claim_target(const std::string &group, const std::string &id,
                                                     const std::string &address);
    [[nodiscard]] std::optional<std::uint16_t> find(IndexKind kind, const std::string &name) const;
    [[nodiscard]] std::string name_of(IndexKind kind, std::uint16_t index) const; ///< empty: free

    void retire(IndexKind kind, const std::string &name);
    /// Frees the index of a retired name; does nothing for others.
    void release(IndexKind kind, const std::string &name);
    [[nodiscard]] std::vector<std::string> retired(IndexKind kind) const;

    /// The rows of glb_index_names.
    [[nodiscard]] std::vector<std::string> rows() const;

  private:
    struct Table {
        std::map<std::string, std::uint16_t> indexes;
        std::map<std::uint16_t, std::string> names;
        std::set<std::string> retired;
    };
    [[nodiscard]] Table &table(IndexKind kind) { return tables_[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] const Table &table(IndexKind kind) const { return tables_[static_cast<std::size_t>(kind)]; }

    void rename_target(const std::string &from, const std::string &to);

    std::array<Table, 3> tables_;
    std::map<std::string, std::string> addresses_; ///< of targets, by name, where known
};

/// "192.0.2.1:6081", "[2001:db8::1]:6081".
[[nodiscard]] std::string address_text(const IpAddress &address, std::uint16_t port);

/// The name of a target within the node.
[[nodiscard]] inline std::string target_name(const std::string &group, const std::string &id) {
    return group + '/' + id;
}

/// The name of a target that had its id before: "GROUP/ID@ADDRESS". Fits into a row of glb_index_names; a long id is
/// shortened, and remains unique.
[[nodiscard]] std::string displaced_name(const std::string &group, const std::string &id,
                                         const std::string &address);

struct TargetId {
    std::string group;
    std::string id;
};
/// Of target_name() or displaced_name(); empty if `name` is neither.
[[nodiscard]] TargetId parse_target_name(const std::string &name);

} // namespace glb::plan
