// The appliance's HTTP responses.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "appliance/counters.h"
#include "lib/http/http.h"

namespace glb::appliance {

/// Packets and bytes of inner packets.
struct EndpointSnapshot {
    std::uint64_t id = 0;
    std::string device;
    std::uint32_t table = 0;
    std::uint64_t packets_in = 0, bytes_in = 0, packets_back = 0, bytes_back = 0;
};

/// All counters, read at about the same time.
struct Snapshot {
    std::array<std::uint64_t, counter_count> counters{};
    std::uint64_t socket_overruns = 0; ///< dropped by the kernel at the sockets
    std::size_t flows = 0;
    std::vector<EndpointSnapshot> endpoints;
};

/// {"counters": {"received": N, …}, "drops": {"truncated": N, …, "socket_overrun": N}, "flows": N,
///  "endpoints": [{"id": "vpce-0…", "device": "gwi-…", "table": N, "packetsIn": N, …}]}
[[nodiscard]] std::string counters_json(const Snapshot &snapshot);

/// GET / and /healthz: 200 if `alive`, else 503; GET /counters. Otherwise 404 or 405.
[[nodiscard]] HttpResponse handle_request(const HttpRequest &request, bool alive, const Snapshot &snapshot);

} // namespace glb::appliance
