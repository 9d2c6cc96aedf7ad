// IndexAllocator: the data path's indexes of endpoints, groups and targets.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/util/result.h"

namespace glb::plan {

enum class IndexKind : std::uint8_t { endpoint, group, target };

/// Flow entries refer to endpoints and targets by index, so an index outlives its owner: retire() reserves it
/// until a scan of the flow table finds no live entry with it. A name that is claimed again before gets the
/// same index.
class IndexAllocator {
  public:
    IndexAllocator() = default;
    /// From the rows of glb_index_names. All names are retired until claimed.
    [[nodiscard]] static IndexAllocator from_names(const std::vector<std::string> &rows);

    /// The index of `name`: the existing one, or the lowest free one. EAGAIN if none is free.
    [[nodiscard]] Result<std::uint16_t> claim(IndexKind kind, const std::string &name);
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

    std::array<Table, 3> tables_;
};

/// The name of a target within the node.
[[nodiscard]] inline std::string target_name(const std::string &group, const std::string &id) {
    return group + '/' + id;
}

} // namespace glb::plan
