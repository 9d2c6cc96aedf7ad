// The appliance's counters: one list for the enum, the names and the JSON members.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace glb::appliance {

// name, text. All counters from `unknown_node` on are drops.
#define GLB_APPLIANCE_COUNTERS(X)                                                                            \
    X(received, "GENEVE packets received")                                                                   \
    X(inspected, "inner packets handed to the kernel by a TUN device")                                       \
    X(returned, "packets sent back to the node")                                                             \
    X(unknown_node, "from an address not given by --node")                                                   \
    X(truncated, "longer than the receive buffer")                                                           \
    X(geneve_short, "shorter than its GENEVE header indicates")                                              \
    X(geneve_version, "GENEVE version is not 0")                                                             \
    X(geneve_control, "GENEVE control packet (O bit)")                                                       \
    X(geneve_critical, "unknown critical option")                                                            \
    X(geneve_protocol, "payload is neither IPv4 nor IPv6")                                                   \
    X(geneve_options, "options with wrong lengths or duplicates")                                            \
    X(geneve_missing, "an option (endpoint, attachment, cookie) is missing")                                 \
    X(inner_malformed, "inner IP header is malformed or exceeds the packet")                                 \
    X(endpoint_refused, "no device for the endpoint: limit, name conflict or kernel error")                  \
    X(tun_write, "the kernel rejected the packet at the TUN device")                                         \
    X(tun_malformed, "packet from a TUN device is not a complete IP packet")                                 \
    X(link_chatter, "link-local multicast of the kernel on a TUN device (MLD, neighbour discovery)")         \
    X(unknown_flow, "packet from a TUN device without a known flow")                                         \
    X(too_big, "larger than the MTU towards the node")                                                       \
    X(send_failed, "send failed")                                                                            \
    X(fault, "dropped by --fault silent")

enum class Counter : unsigned {
#define X(name, text) name,
    GLB_APPLIANCE_COUNTERS(X)
#undef X
};

inline constexpr std::array counter_names{
#define X(name, text) std::string_view{#name},
    GLB_APPLIANCE_COUNTERS(X)
#undef X
};

inline constexpr std::size_t counter_count = counter_names.size();
inline constexpr Counter first_drop = Counter::unknown_node;

/// The counters of a worker: written by its thread, read by any thread.
class alignas(64) Counters {
  public:
    void add(Counter which, std::uint64_t count = 1) {
        auto &value = values_[static_cast<std::size_t>(which)];
        value.store(value.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get(Counter which) const {
        return values_[static_cast<std::size_t>(which)].load(std::memory_order_relaxed);
    }

  private:
    std::array<std::atomic<std::uint64_t>, counter_count> values_{};
};

} // namespace glb::appliance
