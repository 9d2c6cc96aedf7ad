// AddressMatch: an address, a prefix, or an address and a port, as used in options and queries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/util/address.h"
#include "controller/util/result.h"

namespace glb {

/// ADDR, PREFIX, ADDR:PORT or [ADDR6]:PORT.
struct AddressMatch {
    IpPrefix prefix;
    std::optional<std::uint16_t> port; ///< host order

    [[nodiscard]] static Result<AddressMatch> parse(std::string_view text);
    [[nodiscard]] bool matches(const IpAddress &address, std::uint16_t port_host_order) const;
    [[nodiscard]] std::string to_string() const;
};

} // namespace glb
