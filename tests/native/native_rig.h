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
    std::optional<std::uint32_t> ifindex; ///< of a redirect
    bool operator==(const NativeOutcome &) const = default;
};

/// There is one fake kernel, so only one rig may exist at a time. A new one starts with empty tables and
/// counters.
class NativeRig {
  public:
    NativeRig();

    NativeOutcome send(const Bytes &frame, const Driver &driver = {}, const Bytes &metadata = {});

    /// Parses and classifies a frame received on the port with this flag (GLB_PORT_TUNNEL or _ENDPOINT).
    [[nodiscard]] native_parsed parse(const Bytes &frame, unsigned port = GLB_PORT_ENDPOINT,
                                      const Driver &driver = {});

    [[nodiscard]] std::uint64_t drops(glb_drop reason) const;
    [[nodiscard]] std::uint64_t count(glb_counter counter) const;

    /// A default route by device 40, which is interface 1 with that many VLAN tags (ids 100, 101).
    void route_by(unsigned tags);

    Kernel &kernel;

  private:
    const glb_logical_port *tunnel_, *endpoint_;
};

/// The FIB's device of NativeRig::route_by().
inline constexpr std::uint32_t routed_ifindex = 40;

} // namespace glb::test
