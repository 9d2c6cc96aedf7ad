// The strings of the manifest's enumerations.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/config/manifest.h"

namespace glb::config {

/// EnumStrings<E>::all: the strings of E, in the order of its enumerators.
template <typename E>
struct EnumStrings;

#define GLB_ENUM_STRINGS(type, ...)                                                                          \
    template <>                                                                                              \
    struct EnumStrings<type> {                                                                               \
        static constexpr std::array all = std::to_array<std::string_view>({__VA_ARGS__});                    \
    }

GLB_ENUM_STRINGS(SenderMac, "on-link", "any");
GLB_ENUM_STRINGS(XdpSharing, "exclusive", "shared");
GLB_ENUM_STRINGS(XdpMode, "native", "generic");
GLB_ENUM_STRINGS(EndpointMode, "routed", "inline");
GLB_ENUM_STRINGS(WhenDetached, "drop", "pass");
GLB_ENUM_STRINGS(TooBigWithoutDf, "drop", "fragment");
GLB_ENUM_STRINGS(NonIp, "pass", "drop");
GLB_ENUM_STRINGS(LinkState, "follow", "ignore");
GLB_ENUM_STRINGS(Stickiness, "5-tuple", "3-tuple", "2-tuple");
GLB_ENUM_STRINGS(FailurePolicy, "hold", "rehash", "reset");
GLB_ENUM_STRINGS(AllUnhealthyPolicy, "spread", "bypass", "drop");
GLB_ENUM_STRINGS(CookiePolicy, "hint", "strict");
GLB_ENUM_STRINGS(Dialect, "aws");
GLB_ENUM_STRINGS(Egress, "node", "appliance");
GLB_ENUM_STRINGS(ProbeProtocol, "TCP", "HTTP", "HTTPS", "GENEVE", "NONE");
GLB_ENUM_STRINGS(UdpChecksum, "zero", "computed");

#undef GLB_ENUM_STRINGS

template <typename E>
requires requires {
    EnumStrings<E>::all;
}
[[nodiscard]] constexpr std::string_view to_string(E value) {
    return EnumStrings<E>::all[static_cast<std::size_t>(value)];
}

template <typename E>
[[nodiscard]] constexpr std::optional<E> from_string(std::string_view text) {
    for (std::size_t i = 0; i < EnumStrings<E>::all.size(); ++i)
        if (EnumStrings<E>::all[i] == text)
            return static_cast<E>(i);
    return std::nullopt;
}

} // namespace glb::config
