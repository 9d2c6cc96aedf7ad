// The command line of glb-appliance.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/util/result.h"

namespace CLI {
class App;
}

namespace glb::appliance {

/// An IPv4 address and a UDP port, both in network order: what the outer header is made of.
struct UdpAddress {
    std::uint32_t address = 0;
    std::uint16_t port = 0;
};

/// A habit that somebody's appliance was seen to have, asked for by a test of the node.
enum class Fault {
    none,
    stale_cookie, ///< answers a reused tuple with the header that it had first
    udp_checksum, ///< sends a UDP checksum that is wrong
    silent        ///< takes every packet, gives none back, and is green on its health port
};

/// What the user wants, checked. Made by Arguments::checked().
struct Options {
    UdpAddress listen;
    std::optional<std::string> health; ///< ADDR:PORT; nothing where it is turned off
    std::vector<std::uint64_t> endpoints;
    bool listed_only = false;
    std::size_t max_endpoints = 64;
    std::set<std::uint32_t> nodes; ///< addresses in network order; empty: anybody
    bool reflect = false;
    unsigned threads = 1;
    unsigned mtu = 9000;
    std::uint32_t table = 6081; ///< routing table, and mark, of the first endpoint; the others count on
    std::size_t flows = 262'144;
    std::chrono::seconds flow_idle{600};
    Fault fault = Fault::none;
};

/// The same as the user wrote it.
struct Arguments {
    std::string listen = "0.0.0.0:6081";
    std::string health = "0.0.0.0:80";
    std::vector<std::string> endpoints;
    bool listed_only = false;
    unsigned max_endpoints = 64;
    std::vector<std::string> nodes;
    bool reflect = false;
    unsigned threads = 0; ///< 0: one a CPU
    unsigned mtu = 9000;
    unsigned table = 6081;
    unsigned flows = 262'144;
    unsigned flow_idle = 600;
    std::string fault = "none";
    std::string log_level = "info";
    std::string log_format = "text";

    /// Names every option to `app`; it writes into this object when it parses.
    void add_to(CLI::App &app);

    /// Fails with one line that names the option where a value makes no sense.
    [[nodiscard]] Result<Options> checked() const;
};

} // namespace glb::appliance
