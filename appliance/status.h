// What the appliance tells by HTTP.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "appliance/counters.h"
#include "controller/api/http/http.h"

namespace glb::appliance {

/// Packets and bytes are those of the inner packets.
struct EndpointSnapshot {
    std::uint64_t id = 0;
    std::string device;
    std::uint32_t table = 0;
    std::uint64_t packets_in = 0, bytes_in = 0, packets_back = 0, bytes_back = 0;
};

/// All counters at (nearly) one moment.
struct Snapshot {
    std::array<std::uint64_t, counter_count> counters{};
    std::uint64_t socket_overruns = 0; ///< dropped by the kernel before this program saw them
    std::size_t flows = 0;
    std::vector<EndpointSnapshot> endpoints;
};

/// {"counters": {"received": N, …}, "drops": {"truncated": N, …, "socket_overrun": N}, "flows": N,
///  "endpoints": [{"id": "vpce-0…", "device": "gwi-…", "table": N, "packetsIn": N, …}]}
[[nodiscard]] std::string counters_json(const Snapshot &snapshot);

/// GET / and /healthz: 200 where `alive`, else 503; GET /counters. Anything else is 404 or 405.
[[nodiscard]] HttpResponse answer(const HttpRequest &request, bool alive, const Snapshot &snapshot);

} // namespace glb::appliance
