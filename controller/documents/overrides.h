// Results of operator overrides: POST /v1/targets/GROUP/TARGET/drain and /undrain, /v1/endpoints/NAME/bypass,
// /v1/confirm.
#pragma once

#include <optional>
#include <string>

#include "controller/documents/document.h"

namespace glb::documents {

struct Drain {
    std::string target_group;
    std::string id;
    bool drained_by_operator = false;
    std::uint64_t active_flows = 0;
    std::optional<std::uint64_t> seconds_left; ///< until the deregistration delay is over; none: not drained

    static constexpr auto members() {
        return std::tuple{member("targetGroup", &Drain::target_group), member("id", &Drain::id),
                          required("drainedByOperator", &Drain::drained_by_operator),
                          member("activeFlows", &Drain::active_flows),
                          member("secondsLeft", &Drain::seconds_left)};
    }
    bool operator==(const Drain &) const = default;
};

struct Bypass {
    std::string endpoint;
    bool bypassed = false;          ///< after the call, by the operator or by the group's policy
    std::optional<std::string> why; ///< operator, onAllUnhealthy
    std::string target_group;
    std::optional<std::uint64_t>
        seconds_left; ///< of the operator's bypass; none: without end, or there is none

    static constexpr auto members() {
        return std::tuple{member("endpoint", &Bypass::endpoint), required("bypassed", &Bypass::bypassed),
                          member("why", &Bypass::why), member("targetGroup", &Bypass::target_group),
                          member("secondsLeft", &Bypass::seconds_left)};
    }
    bool operator==(const Bypass &) const = default;
};

struct Confirm {
    bool confirmed = false;

    static constexpr auto members() { return std::tuple{required("confirmed", &Confirm::confirmed)}; }
    bool operator==(const Confirm &) const = default;
};

} // namespace glb::documents
