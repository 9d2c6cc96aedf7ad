// The natively built data path with the sample configuration, fed with frames. No root, no kernel.
#pragma once

#include <cstdint>
#include <optional>

#include "abi/reasons.h"
#include "tests/native/kernel.h"

namespace glb::test {

struct NativeOutcome {
    int code = 0; ///< XDP_DROP, XDP_PASS, XDP_REDIRECT
    Bytes frame;
    Bytes metadata;
    std::optional<std::uint32_t> ifindex; ///< where to it was redirected
    bool operator==(const NativeOutcome &) const = default;
};

/// There is one kernel, so there is one rig at a time; a new one begins with empty tables and counters.
class NativeRig {
  public:
    NativeRig();

    NativeOutcome send(const Bytes &frame, const Driver &driver = {}, const Bytes &metadata = {});

    /// Parsing and classification alone, of a frame that came by the port with this flag (GLB_PORT_TUNNEL or
    /// _ENDPOINT).
    [[nodiscard]] native_parsed parse(const Bytes &frame, unsigned port = GLB_PORT_ENDPOINT,
                                      const Driver &driver = {});

    [[nodiscard]] std::uint64_t drops(glb_drop reason) const;
    [[nodiscard]] std::uint64_t count(glb_counter counter) const;

    /// A route to everywhere by device 40, which is number 1 with these many VLAN tags (ids 100, 101).
    void route_by(unsigned tags);

    Kernel &kernel;

  private:
    const glb_logical_port *tunnel_, *endpoint_;
};

/// The device by which NativeRig::route_by() sends, as the FIB knows it.
inline constexpr std::uint32_t routed_ifindex = 40;

} // namespace glb::test
