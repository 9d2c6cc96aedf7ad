// The lower bound: an epoll loop that only connects and closes.
#pragma once

#include <chrono>
#include <cstdint>

namespace glb::bench {

/// Connects to 127.0.0.1:`port` `per_second` times a second, evenly, and resets each connection once it
/// is established. Returns the number of established connections.
std::uint64_t connect_only(std::uint16_t port, unsigned per_second, std::chrono::seconds time);

} // namespace glb::bench
