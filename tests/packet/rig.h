// The data path loaded with one endpoint, one group and two targets, fed with packets by BPF_PROG_TEST_RUN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "abi/reasons.h"
#include "controller/datapath/program.h"
#include "tests/harness/catch_bytes.h"
#include "tests/harness/packet.h"
#include "tests/harness/prog_run.h"
#include "tests/native/sample.h"

namespace glb::test {

/// What the program did with one packet.
struct Outcome {
    std::uint32_t code = 0; ///< XDP_DROP, XDP_PASS, XDP_REDIRECT
    Bytes frame;
    Bytes metadata; ///< what it left in front of the frame
};

class Rig {
  public:
    Rig();
    /// With a program that takes flows over from an older table of the same key.
    explicit Rig(const datapath::MigrationSource &older);

    /// Sends a frame in by the loopback device (the only one that is sure to exist in any namespace), which
    /// stands for the endpoint's interface untagged, and for the tunnel's as VLAN 7.
    Outcome send(const Bytes &frame);

    /// How often `reason` was counted since the rig began.
    std::uint64_t drops(glb_drop reason) const;
    std::uint64_t count(glb_counter counter) const;

    /// Rewrites the configuration by what `change` does to it.
    template <typename F>
    void reconfigure(F change) {
        change(config);
        apply();
    }
    void apply();

    BankConfig config;
    datapath::Program program;

  private:
    explicit Rig(datapath::Program loaded);

    PoisonedRunner runner_; // headroom of 0xFF: a header byte that nobody wrote shows
};

inline const Mac node_mac = "02:00:00:00:00:02";    ///< the node's on every interface
inline const Mac target_mac = "02:00:00:00:01:11";  ///< of target 0, 10.0.1.20
inline const Mac target2_mac = "02:00:00:00:01:12"; ///< of target 1, 10.0.1.21

/// What the node sent for `inner`, decoded by hand at fixed offsets: the frame has an Ethernet header and one
/// tag.
inline constexpr std::size_t outer_offset = 18;
std::uint32_t cookie_of(const Bytes &encapsulated);
std::uint16_t entropy_of(const Bytes &encapsulated);

/// The frame in which `target` (0 or 1) returns `inner` for a packet that left with these.
Bytes returned(unsigned target, std::uint32_t cookie, std::uint16_t entropy, const Packet &inner);

} // namespace glb::test
