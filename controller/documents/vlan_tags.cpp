#include "controller/documents/vlan_tags.h"

#include <algorithm>

namespace glb::documents {

namespace {

bool is_vlan(const nlohmann::json &value) {
    // A value that was not parsed from text may be signed.
    return value.is_number_integer() && value.get<std::int64_t>() >= 0 && value.get<std::int64_t>() <= 4095;
}

} // namespace

nlohmann::json VlanTags::to_value() const {
    if (ids.empty())
        return nullptr;
    return ids.size() == 1 ? nlohmann::json(ids.front()) : nlohmann::json(ids);
}

bool VlanTags::read_value(const nlohmann::json &value) {
    if (is_vlan(value)) {
        ids = {value.get<std::uint16_t>()};
        return true;
    }
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_vlan))
        return false;
    ids = value.get<std::vector<std::uint16_t>>();
    return true;
}

} // namespace glb::documents
