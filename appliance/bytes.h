// Big-endian fields of a packet. The caller has checked the bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace glb::appliance {

using Bytes = std::span<const std::uint8_t>;

/// The unsigned big-endian integer of `sizeof(T)` bytes at `offset`.
template <typename T>
[[nodiscard]] constexpr T load_be(Bytes bytes, std::size_t offset) {
    std::uint64_t value = 0;
    for (const auto byte : bytes.subspan(offset, sizeof(T)))
        value = value << 8 | byte;
    return static_cast<T>(value);
}

template <typename T>
constexpr void store_be(std::span<std::uint8_t> bytes, std::size_t offset, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        bytes[offset + i] = static_cast<std::uint8_t>(std::uint64_t{value} >> 8 * (sizeof(T) - 1 - i));
}

/// The bytes of a length in 32-bit words, as in the headers of IP, TCP and GENEVE.
[[nodiscard]] constexpr std::size_t word_bytes(unsigned words) {
    return std::size_t{words} * 4;
}

} // namespace glb::appliance
