// FakeAppliance: a UDP socket on loopback in place of an appliance.
#pragma once

#include <catch2/catch.hpp>

#include <array>
#include <cstring>
#include <optional>
#include <set>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "controller/health/probes/in_band_packet.h"
#include "controller/util/fd.h"

namespace glb::test {

/// Receives in-band probes and returns their nonces.
class FakeAppliance {
  public:
    FakeAppliance() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr *>(&at), size) == 0);
        REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr *>(&at), &size) == 0);
        port_ = ntohs(at.sin_port);
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    std::optional<std::uint64_t> receive() {
        std::array<std::uint8_t, 256> bytes;
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const auto got =
            ::recvfrom(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr *>(&from), &size);
        if (got != static_cast<ssize_t>(health::in_band_bytes))
            return std::nullopt;
        sources.insert(ntohs(from.sin_port));
        std::uint64_t nonce;
        std::memcpy(&nonce, bytes.data() + health::in_band_bytes - 8, 8);
        return nonce;
    }
    std::set<std::uint16_t> sources;

  private:
    Fd fd_;
    std::uint16_t port_ = 0;
};

} // namespace glb::test
