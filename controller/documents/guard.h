// GET /v1/guard: what the guard covers and has blocked.
#pragma once

#include <string>
#include <vector>

#include "controller/documents/document.h"
#include "controller/documents/vlan_tags.h"

namespace glb::documents {

struct PacketCount {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;

    static constexpr auto members() {
        return std::tuple{member("packets", &PacketCount::packets), member("bytes", &PacketCount::bytes)};
    }
    bool operator==(const PacketCount &) const = default;
};

struct GuardInterface {
    std::string name;
    VlanTags vlan;
    std::string endpoint;
    std::string when_detached; ///< drop, pass
    bool guarded = false;
    bool punt = false; ///< as InterfaceStatus::punt

    static constexpr auto members() {
        return std::tuple{member("name", &GuardInterface::name),
                          member("vlan", &GuardInterface::vlan),
                          member("endpoint", &GuardInterface::endpoint),
                          member("whenDetached", &GuardInterface::when_detached),
                          member("guarded", &GuardInterface::guarded),
                          member("punt", &GuardInterface::punt)};
    }
    bool operator==(const GuardInterface &) const = default;
};

struct Guard {
    bool installed = false;
    PacketCount uninspected;    ///< that the guard has blocked
    std::uint64_t restored = 0; ///< how often the guard was repaired
    std::vector<std::string> warnings;
    std::vector<GuardInterface> interfaces;

    static constexpr auto members() {
        return std::tuple{required("installed", &Guard::installed),
                          member("uninspected", &Guard::uninspected), member("restored", &Guard::restored),
                          member("warnings", &Guard::warnings), member("interfaces", &Guard::interfaces)};
    }
    bool operator==(const Guard &) const = default;
};

} // namespace glb::documents
