// Field readers for names, addresses and VLANs, and for the larger parts of a manifest.
#pragma once

#include "controller/config/object_reader.h"

namespace glb::config {

[[nodiscard]] inline auto name(std::string &out) {
    return text(out, is_name, "must be a name: 1 to 63 of a-z A-Z 0-9 . _ -");
}

[[nodiscard]] inline auto interface_name(std::string &out) {
    return text(out, is_interface_name,
                "must be the name of an interface: 1 to 15 printable characters without / : \\ and quotes");
}

/// An absolute file path: the daemon's working directory differs from the operator's.
[[nodiscard]] inline auto file_path(std::string &out) {
    const auto is_valid = [](std::string_view path) {
        return path.starts_with('/') && path.size() < 4096 && path.find('\0') == std::string_view::npos;
    };
    return text(out, is_valid, "must be an absolute path");
}

/// A unicast address of a single host: not multicast, loopback, IPv6 link-local or unspecified.
/// `family` is 4, 6, or 0 for either.
[[nodiscard]] std::optional<IpAddress> parse_host_address(std::string_view text, std::uint8_t family);

[[nodiscard]] inline auto host_address(IpAddress &out) {
    return parsed(
        out, [](std::string_view text) { return parse_host_address(text, 0); },
        "must be an IPv4 or IPv6 address of one host");
}

[[nodiscard]] inline auto host_address_v4(IpAddress &out) {
    return parsed(
        out, [](std::string_view text) { return parse_host_address(text, 4); },
        "must be an IPv4 address of one host");
}

[[nodiscard]] inline auto host_address_v6(std::optional<IpAddress> &out) {
    return parsed(
        out, [](std::string_view text) { return parse_host_address(text, 6); },
        "must be an IPv6 address of one host, not a link-local one");
}

[[nodiscard]] inline auto port_number(std::uint16_t &out) {
    return uint_field(out, 1, 65535);
}

/// One VLAN id, or `[outer, inner]`.
void read_vlans(const JsonValue &json, std::vector<std::uint16_t> &out);

/// An interface name, or `{"name": …, "vlan": …}`.
void read_interface(const JsonValue &json, InterfaceRef &out);

void read_health_check(const JsonValue &json, HealthCheck &out);
void read_target_group(const JsonValue &json, TargetGroup &out);
void read_flow_log(const JsonValue &json, FlowLog &out);

} // namespace glb::config
