// Appliances that swallow packets although their port is green, and what health says of them.
#pragma once

#include <string>

#include "tests/netns/testbed/testbeds.h"

namespace glb::test {

inline const std::string state_out = "unhealthy Target.NoReturnTraffic";

/// The world's manifest with `passive`.
[[nodiscard]] json passive_manifest(const TwoArm &world);

/// Drops what GENEVE brings where `match` (nftables; empty: all) holds, until speak_again(). Offsets into a
/// packet, in bits behind the UDP header's first: 160 the endpoint's id, 544 and 560 the inner ports of UDP.
void fall_silent(const Appliance &appliance, const std::string &match = "");
void speak_again(const Appliance &appliance);

/// What was dropped, and flows that lack answers: for the report of a failure.
[[nodiscard]] std::string unreturned(const Daemon &glbd);

/// "healthy", or "unhealthy REASON".
[[nodiscard]] std::string state_of(const Daemon &glbd, const Appliance &appliance);

/// Which of the first two appliances has more flows: chance spreads them, and at least half of them are
/// always there.
[[nodiscard]] std::size_t fuller_of(const TwoArm &world, const Daemon &glbd);

/// How often the daemon has told that a target is out because nothing came back.
[[nodiscard]] std::size_t alarms(const Daemon &glbd);

} // namespace glb::test
