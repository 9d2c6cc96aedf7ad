// VlanTags: the VLANs of an interface, as the API's documents have them.
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

namespace glb::documents {

/// null without a tag, the number of a single tag, else the array [outer, inner].
struct VlanTags {
    static constexpr const char *expected = "null, a VLAN or an array of VLANs";

    std::vector<std::uint16_t> ids; ///< the outermost first

    [[nodiscard]] nlohmann::json to_value() const;
    /// False if `value` is none of these; then nothing changes.
    [[nodiscard]] bool read_value(const nlohmann::json &value);

    bool operator==(const VlanTags &) const = default;
};

} // namespace glb::documents
