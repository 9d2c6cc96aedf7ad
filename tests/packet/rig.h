// The loaded data path with one endpoint, one group and two targets; packets run by BPF_PROG_TEST_RUN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "abi/reasons.h"
#include "controller/datapath/loader.h"
#include "tests/harness/catch_bytes.h"
#include "tests/harness/datapath_roles.h"
#include "tests/harness/packet.h"
#include "tests/harness/prog_run.h"
#include "tests/native/sample.h"

namespace glb::test {

/// The program's result for one packet.
struct Outcome {
    std::uint32_t code = 0; ///< XDP_DROP, XDP_PASS, XDP_REDIRECT
    Bytes frame;
    Bytes metadata; ///< in front of the frame
};

class Rig {
  public:
    Rig();
    /// With a program that migrates flows from a previous table of the same key.
    explicit Rig(const datapath::MigrationSource &older);

    /// Sends a frame through the loopback device, which exists in every namespace. Untagged it is the
    /// endpoint's port, as VLAN 7 the tunnel's.
    Outcome send(const Bytes &frame);

    /// Packets counted as `reason` since the rig was created.
    std::uint64_t drops(glb_drop reason) const;
    std::uint64_t count(glb_counter counter) const;

    /// Applies `change` to the configuration and writes it.
    template <typename F>
    void reconfigure(F change) {
        change(config);
        apply();
    }
    void apply();

    plan::BankConfig config;
    DatapathRoles roles;

  private:
    explicit Rig(const datapath::DatapathHandlesPtr &handles);

    PoisonedRunner runner_; // fills headroom with 0xFF, which exposes unwritten header bytes
};

} // namespace glb::test
