// GET /v1/endpoints: where traffic enters and leaves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/documents/document.h"
#include "controller/documents/vlan_tags.h"

namespace glb::documents {

struct EndpointInterface {
    std::string name;
    VlanTags vlan;
    std::optional<std::uint32_t> mtu; ///< none: the interface is absent

    static constexpr auto members() {
        return std::tuple{member("name", &EndpointInterface::name), member("vlan", &EndpointInterface::vlan),
                          member("mtu", &EndpointInterface::mtu)};
    }
    bool operator==(const EndpointInterface &) const = default;
};

struct Endpoint {
    std::string name;
    std::string id;
    std::string mode;
    std::string target_group;
    std::vector<EndpointInterface> interfaces;
    std::uint64_t packets_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t packets_forwarded = 0;
    std::uint64_t bytes_forwarded = 0;
    bool bypassed = false;
    std::optional<std::string> bypass_reason;         ///< operator, onAllUnhealthy
    std::optional<std::uint64_t> bypass_seconds_left; ///< of the operator's bypass; none: without end

    static constexpr auto members() {
        return std::tuple{member("name", &Endpoint::name),
                          member("id", &Endpoint::id),
                          member("mode", &Endpoint::mode),
                          member("targetGroup", &Endpoint::target_group),
                          member("interfaces", &Endpoint::interfaces),
                          member("packetsIn", &Endpoint::packets_in),
                          member("bytesIn", &Endpoint::bytes_in),
                          member("packetsForwarded", &Endpoint::packets_forwarded),
                          member("bytesForwarded", &Endpoint::bytes_forwarded),
                          member("bypassed", &Endpoint::bypassed),
                          member("bypassReason", &Endpoint::bypass_reason),
                          member("bypassSecondsLeft", &Endpoint::bypass_seconds_left)};
    }
    bool operator==(const Endpoint &) const = default;
};

struct EndpointList {
    std::vector<Endpoint> endpoints;

    static constexpr auto members() { return std::tuple{required("endpoints", &EndpointList::endpoints)}; }
    bool operator==(const EndpointList &) const = default;
};

} // namespace glb::documents
