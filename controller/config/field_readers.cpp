#include "controller/config/field_readers.h"

#include <algorithm>

namespace glb::config {

namespace {

bool is_host_v4(const IpAddress &address) {
    const auto first = address.bytes[0];
    return first != 0 && first != 127 &&
           first < 224; // RFC 6890: "this network", loopback; multicast and above
}

bool is_host_v6(const IpAddress &address) {
    const auto &bytes = address.bytes;
    const bool leading_zeroes =
        std::all_of(bytes.begin(), bytes.end() - 1, [](auto byte) { return byte == 0; });
    const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; // ambiguous without an interface
    return !(leading_zeroes && bytes[15] <= 1) && bytes[0] != 0xff && !link_local;
}

} // namespace

std::optional<IpAddress> parse_host_address(std::string_view text, std::uint8_t family) {
    const auto address = IpAddress::parse(text);
    if (!address || (family != 0 && address->family != family))
        return std::nullopt;
    return (address->family == 4 ? is_host_v4(*address) : is_host_v6(*address)) ? address : std::nullopt;
}

void read_vlans(const JsonValue &json, std::vector<std::uint16_t> &out) {
    const auto tag = [](const JsonValue &member, std::uint16_t &value) {
        uint_field(value, 1, 4094)(member);
    };
    if (json.value.is_number())
        return tag(json, out.emplace_back());
    if (!json.value.is_array() || json.value.size() != 2)
        return json.add_error("must be a VLAN id from 1 to 4094, or [outer, inner]");
    list(out, "VLAN ids", tag)(json);
}

void read_interface(const JsonValue &json, InterfaceRef &out) {
    if (json.value.is_string())
        return interface_name(out.name)(json);
    if (!json.value.is_object())
        return json.add_error("must be the name of an interface, or {\"name\": …, \"vlan\": …}");
    ObjectReader members(json);
    members.required("name", interface_name(out.name));
    members.optional("vlan", [&](const JsonValue &member) { read_vlans(member, out.vlans); });
    members.reject_unknown();
}

} // namespace glb::config
