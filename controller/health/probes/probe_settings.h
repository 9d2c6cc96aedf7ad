// Settings and results of active health checks.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/health/status_matcher.h"

namespace glb::health {

/// The first probes of targets are spread over this time, or over the interval if that is shorter.
inline constexpr std::chrono::milliseconds max_start_delay{1000};

enum class ProbeKind : std::uint8_t { none, tcp, http, https };

/// The defaults are those of the manifest.
struct ProbeSettings {
    ProbeKind protocol = ProbeKind::tcp; ///< none: no probes; the target counts as alive
    std::uint16_t port = 80;
    std::string path = "/";                  ///< HTTP and HTTPS
    std::string host;                        ///< HTTP and HTTPS: the Host header; empty: the target's address
    StatusMatcher matcher;                   ///< HTTP and HTTPS
    std::string ca_file;                     ///< HTTPS: trusted CAs; empty: certificates are not verified
    std::chrono::milliseconds timeout{1000}; ///< from the first SYN to the result; at most the interval
    std::chrono::milliseconds interval{2000}; ///< from start to start
    unsigned healthy_threshold = 3;
    unsigned unhealthy_threshold = 3;

    bool operator==(const ProbeSettings &) const = default;
};

enum class ProbeOutcome : std::uint8_t {
    ok,
    timeout,
    refused,  ///< the port is closed
    mismatch, ///< an HTTP status that the matcher does not accept
    error,    ///< anything else; the detail names it
    not_sent, ///< it could not leave the node (descriptors, ports, source address, route, firewall): no
              ///< evidence about the target
};

[[nodiscard]] std::string_view to_string(ProbeOutcome outcome);

/// The result of one probe.
struct ProbeResult {
    ProbeOutcome outcome = ProbeOutcome::error;
    int http_status = 0;                    ///< of HTTP probes with a complete status line, else 0
    std::string detail;                     ///< for log and API; empty when ok
    std::chrono::nanoseconds round_trip{0}; ///< from the first SYN to the result
};

} // namespace glb::health
