// Bytes of packets: hex literals, dumps, and comparison that reports where bytes differ.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace glb::test {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Parses pairs of hex digits; white space between pairs is ignored. Throws std::invalid_argument.
[[nodiscard]] Bytes from_hex(std::string_view text);

/// The bytes of `text`, without a terminating zero.
[[nodiscard]] Bytes from_string(std::string_view text);

/// "4500001e…": two digits per byte.
[[nodiscard]] std::string to_hex(ByteView bytes);

/// Sixteen bytes per line, each line with its offset: "0010  0a 00 01 14 …".
[[nodiscard]] std::string hexdump(ByteView bytes);

/// Empty if both are equal; otherwise the first offset at which they differ, and both dumps.
[[nodiscard]] std::string difference(ByteView actual, ByteView expected);

/// The first `length` bytes, or all if there are fewer.
[[nodiscard]] Bytes truncated(Bytes bytes, std::size_t length);

/// Appends bytes of value `fill` up to `length` (a NIC pads frames to 60).
[[nodiscard]] Bytes padded_to(Bytes bytes, std::size_t length, std::uint8_t fill = 0);

[[nodiscard]] Bytes operator+(Bytes left, ByteView right);

/// Appends an integer in network order.
void put8(Bytes &out, std::uint8_t value);
void put16(Bytes &out, std::uint16_t value);
void put32(Bytes &out, std::uint32_t value);
void put64(Bytes &out, std::uint64_t value);

/// Overwrites two bytes at `offset` in network order.
void set16(Bytes &out, std::size_t offset, std::uint16_t value);

/// The Internet checksum (RFC 1071) as stored in a header; 0 over bytes that include a correct checksum.
[[nodiscard]] std::uint16_t internet_checksum(ByteView bytes);

/// CRC32c (RFC 9260, appendix A) as SCTP transmits it, in network order.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes);

} // namespace glb::test
