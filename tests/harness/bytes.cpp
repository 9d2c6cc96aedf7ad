#include "tests/harness/bytes.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace glb::test {

namespace {

int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

} // namespace

Bytes from_hex(std::string_view text) {
    Bytes out;
    int high = -1;
    for (char c : text) {
        if (c == ' ' || c == '\n' || c == '\t') {
            if (high >= 0)
                throw std::invalid_argument("from_hex: byte with a single digit");
            continue;
        }
        const int value = digit(c);
        if (value < 0)
            throw std::invalid_argument(fmt::format("from_hex: '{}' is not a hex digit", c));
        if (high < 0) {
            high = value;
        } else {
            out.push_back(static_cast<std::uint8_t>(high << 4 | value));
            high = -1;
        }
    }
    if (high >= 0)
        throw std::invalid_argument("from_hex: odd number of digits");
    return out;
}

Bytes from_string(std::string_view text) {
    return {text.begin(), text.end()};
}

std::string to_hex(ByteView bytes) {
    std::string out;
    for (auto byte : bytes)
        out += fmt::format("{:02x}", byte);
    return out;
}

std::string hexdump(ByteView bytes) {
    std::string out = fmt::format("{} bytes", bytes.size());
    for (std::size_t i = 0; i < bytes.size(); i++) {
        if (i % 16 == 0)
            out += fmt::format("\n{:04x} ", i);
        out += fmt::format(" {:02x}", bytes[i]);
    }
    return out;
}

std::string difference(ByteView actual, ByteView expected) {
    const auto [a, b] = std::mismatch(actual.begin(), actual.end(), expected.begin(), expected.end());
    if (a == actual.end() && b == expected.end())
        return {};
    const auto offset = static_cast<std::size_t>(a - actual.begin());
    const auto show = [&](ByteView bytes) {
        return offset < bytes.size() ? fmt::format("{:02x}", bytes[offset]) : std::string("the end");
    };
    return fmt::format("first difference at offset {} (0x{:04x}): {}, expected {}\nactual: {}\nexpected: {}",
                       offset, offset, show(actual), show(expected), hexdump(actual), hexdump(expected));
}

Bytes truncated(Bytes bytes, std::size_t length) {
    bytes.resize(std::min(length, bytes.size()));
    return bytes;
}

Bytes padded_to(Bytes bytes, std::size_t length, std::uint8_t fill) {
    bytes.resize(std::max(length, bytes.size()), fill);
    return bytes;
}

Bytes operator+(Bytes left, ByteView right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

void put8(Bytes &out, std::uint8_t value) {
    out.push_back(value);
}

void put16(Bytes &out, std::uint16_t value) {
    put8(out, static_cast<std::uint8_t>(value >> 8));
    put8(out, static_cast<std::uint8_t>(value));
}

void put32(Bytes &out, std::uint32_t value) {
    put16(out, static_cast<std::uint16_t>(value >> 16));
    put16(out, static_cast<std::uint16_t>(value));
}

void put64(Bytes &out, std::uint64_t value) {
    put32(out, static_cast<std::uint32_t>(value >> 32));
    put32(out, static_cast<std::uint32_t>(value));
}

void set16(Bytes &out, std::size_t offset, std::uint16_t value) {
    out.at(offset) = static_cast<std::uint8_t>(value >> 8);
    out.at(offset + 1) = static_cast<std::uint8_t>(value);
}

std::uint16_t internet_checksum(ByteView bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2)
        sum += static_cast<std::uint64_t>(bytes[i]) << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

std::uint32_t crc32c(ByteView bytes) {
    std::uint32_t crc = 0xffffffff;
    for (auto byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0u);
    }
    // SCTP sends the reflected remainder least significant byte first.
    return __builtin_bswap32(~crc);
}

} // namespace glb::test
