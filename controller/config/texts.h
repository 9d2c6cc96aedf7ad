// How the manifest's values are written: enumerations, 64-bit ids, hex, tags, names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/config/manifest.h"

namespace glb {

/// EnumTexts<E>::all: the texts of E, in the order of its enumerators.
template <typename E>
struct EnumTexts;

#define GLB_ENUM_TEXTS(type, ...)                                                                            \
    template <>                                                                                              \
    struct EnumTexts<type> {                                                                                 \
        static constexpr std::array all = std::to_array<std::string_view>({__VA_ARGS__});                    \
    }

GLB_ENUM_TEXTS(SenderMac, "on-link", "any");
GLB_ENUM_TEXTS(XdpSharing, "exclusive", "shared");
GLB_ENUM_TEXTS(XdpMode, "native", "generic");
GLB_ENUM_TEXTS(EndpointMode, "routed", "inline");
GLB_ENUM_TEXTS(WhenDetached, "drop", "pass");
GLB_ENUM_TEXTS(TooBigWithoutDf, "drop", "fragment");
GLB_ENUM_TEXTS(NonIp, "pass", "drop");
GLB_ENUM_TEXTS(LinkState, "follow", "ignore");
GLB_ENUM_TEXTS(Stickiness, "5-tuple", "3-tuple", "2-tuple");
GLB_ENUM_TEXTS(FailurePolicy, "hold", "rehash", "reset");
GLB_ENUM_TEXTS(AllUnhealthyPolicy, "spread", "bypass", "drop");
GLB_ENUM_TEXTS(CookiePolicy, "hint", "strict");
GLB_ENUM_TEXTS(Dialect, "aws");
GLB_ENUM_TEXTS(Egress, "node", "appliance");
GLB_ENUM_TEXTS(ProbeProtocol, "TCP", "HTTP", "HTTPS", "GENEVE", "NONE");
GLB_ENUM_TEXTS(UdpChecksum, "zero", "computed");

#undef GLB_ENUM_TEXTS

template <typename E>
[[nodiscard]] constexpr std::string_view to_text(E value) {
    return EnumTexts<E>::all[static_cast<std::size_t>(value)];
}

template <typename E>
[[nodiscard]] constexpr std::optional<E> from_text(std::string_view text) {
    for (std::size_t i = 0; i < EnumTexts<E>::all.size(); ++i)
        if (EnumTexts<E>::all[i] == text)
            return static_cast<E>(i);
    return std::nullopt;
}

/// Reads `vpce-0` + 16 hex digits, the form that vendors' appliances show and want, or `0x` + 1 to 16 of
/// them.
[[nodiscard]] std::optional<std::uint64_t> parse_endpoint_id(std::string_view text);

/// `0x` and 1 to 16 hex digits.
[[nodiscard]] std::optional<std::uint64_t> parse_hex_number(std::string_view text);

/// Pairs of hex digits as bytes; none where a character is no hex digit or their number is odd.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> parse_hex_bytes(std::string_view text);
[[nodiscard]] std::string format_hex_bytes(const std::vector<std::uint8_t> &bytes);

/// `200-399`, `200,301-302`: codes and ranges from 200 to 599, apart by commas; the widest that AWS takes
/// anywhere (its gateway load balancers have 200-399 alone). An interim answer (1xx) is never a verdict.
[[nodiscard]] std::optional<std::vector<StatusRange>> parse_matcher(std::string_view text);
[[nodiscard]] std::string format_matcher(const std::vector<StatusRange> &ranges);

/// 1 to 63 of a-z A-Z 0-9 . _ -
[[nodiscard]] bool is_name(std::string_view text);

/// What the kernel takes as an interface's name, without quotes and backslashes: at most 15 bytes.
[[nodiscard]] bool is_interface_name(std::string_view text);

/// `eth1`, `eth1 vlan 100`, `eth1 vlan 100.7`, for messages.
[[nodiscard]] std::string to_text(const InterfaceRef &interface);

} // namespace glb
