// PeerCredentials: who is at the other end of a Unix socket.
#pragma once

#include <cstdint>
#include <string>

namespace glb {

/// As the kernel said when the peer connected (SO_PEERCRED). Over TCP nobody is known: `known` is false.
struct PeerCredentials {
    bool known = false;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int32_t pid = 0;
};

/// "uid 0, pid 4711", for the log.
[[nodiscard]] inline std::string to_string(const PeerCredentials &peer) {
    return peer.known ? "uid " + std::to_string(peer.uid) + ", pid " + std::to_string(peer.pid)
                      : "the daemon itself";
}

/// "epoch 3 -> 4, asked by uid 0, pid 4711": how the log tells of every change.
[[nodiscard]] inline std::string change_text(std::uint64_t before, std::uint64_t after,
                                             const PeerCredentials &peer) {
    return "epoch " + std::to_string(before) + " -> " + std::to_string(after) + ", asked by " +
           to_string(peer);
}

} // namespace glb
