#include "controller/util/address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

#include <fmt/format.h>

#include "controller/util/numbers.h"

namespace glb {

bool MacAddress::is_zero() const {
    return std::all_of(bytes.begin(), bytes.end(), [](auto byte) { return byte == 0; });
}

std::string MacAddress::to_string() const {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3],
                       bytes[4], bytes[5]);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string copy(text);
    IpAddress address;
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
        address.family = 4;
        return address;
    }
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) {
        address.family = 6;
        return address;
    }
    return std::nullopt;
}

IpAddress IpAddress::v4(std::uint32_t network_order) {
    IpAddress address;
    address.family = 4;
    std::memcpy(address.bytes.data(), &network_order, sizeof network_order);
    return address;
}

std::uint32_t IpAddress::v4_network_order() const {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

std::string IpAddress::to_string() const {
    char text[INET6_ADDRSTRLEN] = "";
    if (family == 0 || !::inet_ntop(family == 6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text))
        return "none";
    return text;
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address)
        return std::nullopt;
    unsigned length = address->bits();
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        const auto number = parse_number<unsigned>(digits);
        if (!number || *number > address->bits() || (digits.size() > 1 && digits.front() == '0'))
            return std::nullopt;
        length = *number;
    }
    for (unsigned bit = length; bit < address->bits(); ++bit)
        if (address->bytes[bit / 8] & (0x80u >> (bit % 8)))
            return std::nullopt;
    return IpPrefix{*address, static_cast<std::uint8_t>(length)};
}

bool IpPrefix::contains(const IpAddress &candidate) const {
    if (candidate.family != address.family)
        return false;
    for (unsigned bit = 0; bit < length; ++bit) {
        const unsigned mask = 0x80u >> (bit % 8);
        if ((candidate.bytes[bit / 8] & mask) != (address.bytes[bit / 8] & mask))
            return false;
    }
    return true;
}

std::string IpPrefix::to_string() const {
    return fmt::format("{}/{}", address.to_string(), length);
}

} // namespace glb
