#include "controller/util/address_match.h"

#include "controller/util/numbers.h"

namespace glb {

Result<AddressMatch> AddressMatch::parse(std::string_view text) {
    const auto malformed = [&] {
        return fail("\"{}\" must be ADDR, PREFIX (host bits zero), ADDR:PORT or [ADDR6]:PORT", text);
    };
    if (const auto prefix = IpPrefix::parse(text))
        return AddressMatch{*prefix, std::nullopt};

    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return malformed();
    auto host = text.substr(0, colon);
    const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed)
        host = host.substr(1, host.size() - 2);
    const auto address = IpAddress::parse(host);
    if (!port || !address || bracketed != (address->family == 6))
        return malformed();
    return AddressMatch{IpPrefix{*address, static_cast<std::uint8_t>(address->bits())}, port};
}

bool AddressMatch::matches(const IpAddress &address, std::uint16_t port_host_order) const {
    return prefix.contains(address) && (!port || *port == port_host_order);
}

std::string AddressMatch::to_string() const {
    if (!port)
        return prefix.to_string();
    const auto host = prefix.address.to_string();
    return prefix.address.family == 6 ? fmt::format("[{}]:{}", host, *port)
                                      : fmt::format("{}:{}", host, *port);
}

} // namespace glb
