// What the appliance counts: one list gives the enum, the names and the JSON members.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace glb::appliance {

// name, text. Everything from `unknown_node` on is a drop.
#define GLB_APPLIANCE_COUNTERS(X)                                                                            \
    X(received, "GENEVE packets received")                                                                   \
    X(inspected, "inner packets handed to the kernel by a TUN device")                                       \
    X(returned, "packets sent back to the node")                                                             \
    X(unknown_node, "from an address that no --node names")                                                  \
    X(truncated, "longer than the receive buffer")                                                           \
    X(geneve_short, "shorter than its GENEVE header says")                                                   \
    X(geneve_version, "GENEVE version is not 0")                                                             \
    X(geneve_control, "GENEVE control packet (O bit)")                                                       \
    X(geneve_critical, "critical option that is not known")                                                  \
    X(geneve_protocol, "payload is neither IPv4 nor IPv6")                                                   \
    X(geneve_options, "options do not sum up, come twice or have a wrong length")                            \
    X(geneve_missing, "an option (endpoint, attachment, cookie) is missing")                                 \
    X(inner_malformed, "inner IP header is broken or longer than the packet")                                \
    X(endpoint_refused, "no device for the endpoint: limit, clash of names, or the kernel refused")          \
    X(tun_write, "the kernel did not take the packet from the TUN device's writer")                          \
    X(tun_malformed, "what came out of a TUN device is no whole IP packet")                                  \
    X(link_chatter, "the kernel's own multicast on a TUN device's link (MLD, neighbour discovery)")          \
    X(unknown_flow, "came out of a TUN device, but never came in")                                           \
    X(too_big, "larger than the MTU towards the node")                                                       \
    X(send_failed, "the kernel refused to send")                                                             \
    X(fault, "dropped because --fault silent was asked for")

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

/// The counters of one worker: written by it alone, read by anybody.
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
