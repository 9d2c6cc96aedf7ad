// IP and Ethernet addresses as values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace glb {

/// An Ethernet address in wire order.
struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};

    [[nodiscard]] bool is_zero() const;
    [[nodiscard]] std::string to_string() const;
    auto operator<=>(const MacAddress &) const = default;
};

/// An IPv4 or IPv6 address. IPv4 fills the first 4 bytes; the rest is zero.
struct IpAddress {
    std::uint8_t family = 0; ///< 4 or 6; 0: no address
    std::array<std::uint8_t, 16> bytes{};

    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
    [[nodiscard]] static IpAddress v4(std::uint32_t network_order);
    [[nodiscard]] std::uint32_t v4_network_order() const;
    [[nodiscard]] unsigned bits() const { return family == 6 ? 128u : 32u; }
    [[nodiscard]] std::string to_string() const;
    auto operator<=>(const IpAddress &) const = default;
};

/// A prefix; host bits are zero.
struct IpPrefix {
    IpAddress address;
    std::uint8_t length = 0;

    /// "ADDR/LEN", or "ADDR" for one address. nullopt if host bits are set.
    [[nodiscard]] static std::optional<IpPrefix> parse(std::string_view text);
    [[nodiscard]] bool contains(const IpAddress &candidate) const;
    [[nodiscard]] std::string to_string() const;
    auto operator<=>(const IpPrefix &) const = default;
};

} // namespace glb
