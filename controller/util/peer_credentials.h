// PeerCredentials: the process at the other end of a Unix socket.
#pragma once

#include <cstdint>
#include <string>

namespace glb {

/// From SO_PEERCRED, at the time of connect(). Over TCP `known` is false.
struct PeerCredentials {
    bool known = false;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int32_t pid = 0;
};

/// "uid 0, pid 4711"; for logs.
[[nodiscard]] inline std::string to_string(const PeerCredentials &peer) {
    return peer.known ? "uid " + std::to_string(peer.uid) + ", pid " + std::to_string(peer.pid)
                      : "glbd itself";
}

/// "epoch 3 -> 4, requested by uid 0, pid 4711", or "epoch 3, …" if it is the same; for logs of changes.
[[nodiscard]] inline std::string change_text(std::uint64_t before, std::uint64_t after,
                                             const PeerCredentials &peer) {
    return "epoch " + std::to_string(before) + (after == before ? "" : " -> " + std::to_string(after)) +
           ", requested by " + to_string(peer);
}

} // namespace glb
