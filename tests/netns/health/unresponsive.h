// Appliances that drop packets while their health port still answers, and the resulting target states.
#pragma once

#include <cstdint>
#include <string>

#include "tests/netns/testbed/testbeds.h"

namespace glb::test {

inline constexpr std::uint16_t echo_port = 7000;
inline const std::string state_ejected = "unhealthy Target.NoReturnTraffic";

/// The testbed's manifest with passive health checks.
[[nodiscard]] json passive_manifest(const TwoArm &testbed);

/// Drops the GENEVE packets that match `match` (nftables; empty: all) until stop_dropping(). Bit offsets into
/// a packet count from the UDP header: 160 is the endpoint id, 544 and 560 are the inner UDP ports.
void drop_tunnel_packets(const Appliance &appliance, const std::string &match = "");
void stop_dropping(const Appliance &appliance);

/// Drop counters and flows without return traffic, for failure reports.
[[nodiscard]] std::string describe_unreturned(const Daemon &glbd);

/// "healthy", or "unhealthy REASON".
[[nodiscard]] std::string state_of(const Daemon &glbd, const Appliance &appliance);

/// Index of the appliance with more flows, of the first two. It has at least half of all flows.
[[nodiscard]] std::size_t busier_of(const TwoArm &testbed, const Daemon &glbd);

/// Number of ejections for missing return traffic that the daemon logged.
[[nodiscard]] std::size_t ejections(const Daemon &glbd);

} // namespace glb::test
