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

/// An IPv4 address and a UDP port, both in network order.
struct UdpAddress {
    std::uint32_t address = 0;
    std::uint16_t port = 0;
};

/// Faulty behaviour of real appliances, for tests of the node.
enum class Fault {
    none,
    stale_cookie, ///< returns a reused tuple with its first header
    udp_checksum, ///< sends wrong UDP checksums
    silent        ///< returns no packets, but passes health checks
};

/// Validated options, from Arguments::checked().
struct Options {
    UdpAddress listen;
    std::optional<std::string> health; ///< ADDR:PORT; nullopt: disabled
    std::vector<std::uint64_t> endpoints;
    bool listed_only = false;
    std::size_t max_endpoints = 64;
    std::set<std::uint32_t> nodes; ///< allowed sources in network order; empty: any
    bool reflect = false;
    unsigned threads = 1;
    unsigned mtu = 9000;
    std::uint32_t table = 6081; ///< routing table and mark of the first endpoint; incremented for others
    std::size_t flows = 262'144;
    std::chrono::seconds flow_idle{600};
    Fault fault = Fault::none;
};

/// Command-line arguments.
struct Arguments {
    std::string listen = "0.0.0.0:6081";
    std::string health = "0.0.0.0:80";
    std::vector<std::string> endpoints;
    bool listed_only = false;
    unsigned max_endpoints = 64;
    std::vector<std::string> nodes;
    bool reflect = false;
    unsigned threads = 0; ///< 0: one per CPU
    unsigned mtu = 9000;
    unsigned table = 6081;
    unsigned flows = 262'144;
    unsigned flow_idle = 600;
    std::string fault = "none";
    std::string log_level = "info";
    std::string log_format = "text";

    /// Adds the options to `app`, which writes into this object.
    void add_to(CLI::App &app);

    /// Validates the arguments. The error names the option.
    [[nodiscard]] Result<Options> checked() const;
};

} // namespace glb::appliance
