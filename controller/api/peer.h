// Peer: who is at the other end of a Unix socket.
#pragma once

#include <cstdint>

namespace glb {

/// As the kernel said when the peer connected (SO_PEERCRED). Over TCP nobody is known: `known` is false.
struct Peer {
    bool known = false;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int32_t pid = 0;
};

} // namespace glb
