// IndexAllocator: which index of the data path's tables belongs to which endpoint, group and target.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/util/result.h"

namespace glb {

/// Flows name their endpoint and target by index, so an index outlives its owner: `retire` keeps it for the
/// name until a scan of the flow table has found no live entry with it; who comes back meanwhile gets it
/// again.
class IndexAllocator {
  public:
    enum class Kind : std::uint8_t { endpoint, group, target };

    IndexAllocator() = default;
    /// From the rows of glb_index_names. Everybody counts as retired until claimed.
    [[nodiscard]] static IndexAllocator from_names(const std::vector<std::string> &rows);

    /// The index of `name`: its own where it has one, else the lowest that is free. EAGAIN where all are
    /// taken.
    [[nodiscard]] Result<std::uint16_t> claim(Kind kind, const std::string &name);
    [[nodiscard]] std::optional<std::uint16_t> find(Kind kind, const std::string &name) const;
    [[nodiscard]] std::string name_of(Kind kind, std::uint16_t index) const; ///< empty: free

    void retire(Kind kind, const std::string &name);
    /// Frees the index of a retired name.
    void release(Kind kind, const std::string &name);
    [[nodiscard]] std::vector<std::string> retired(Kind kind) const;

    /// The rows of glb_index_names.
    [[nodiscard]] std::vector<std::string> rows() const;

  private:
    struct Side {
        std::map<std::string, std::uint16_t> indexes;
        std::map<std::uint16_t, std::string> names;
        std::set<std::string> retired;
    };
    [[nodiscard]] Side &side(Kind kind) { return sides_[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] const Side &side(Kind kind) const { return sides_[static_cast<std::size_t>(kind)]; }

    std::array<Side, 3> sides_;
};

/// How a target is named within the node.
[[nodiscard]] inline std::string target_name(const std::string &group, const std::string &id) {
    return group + '/' + id;
}

} // namespace glb
