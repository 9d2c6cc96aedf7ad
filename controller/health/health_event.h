// HealthEvent: events that the health engine reports to control. Values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "controller/health/target_registry.h"
#include "controller/util/address.h"

namespace glb::health {

/// The data path found no MAC for a next hop (GLB_EVENT_NO_NEIGHBOUR).
struct NextHopMissing {
    unsigned ifindex = 0;
    IpAddress address;
};

/// A GENEVE packet from a target's address had an unexpected source MAC (GLB_EVENT_SENDER_MAC).
struct SenderMacMismatch {
    IpAddress sender;
};

/// A driver does not support XDP metadata (GLB_EVENT_NO_METADATA).
struct DriverLacksMetadata {
    unsigned ifindex = 0;
};

/// A packet of an endpoint has no complete TCP or UDP checksum (GLB_EVENT_TX_OFFLOAD).
struct ChecksumMissing {
    unsigned ifindex = 0;
    std::uint16_t endpoint = 0; ///< index
};

/// A probe of the target timed out or failed: its next hop may be stale.
struct TargetUnanswered {
    IpAddress address;
};

/// An initial target has passed its probe, but the data path has no resolved path to it yet. It becomes
/// healthy once commit() or set_resolved() lists its index.
struct TargetPathWanted {
    std::string name;
};

/// Drains of removed targets have ended.
struct TargetsRemoved {
    std::vector<RemovedTarget> targets;
};

using HealthEvent = std::variant<NextHopMissing, SenderMacMismatch, DriverLacksMetadata, ChecksumMissing,
                                 TargetUnanswered, TargetPathWanted, TargetsRemoved>;

} // namespace glb::health
