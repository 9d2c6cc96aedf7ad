// GuardPlan: what the guard enforces, and what follows from it: marks, nftables rules, routing rules,
// sysctls. Pure functions; nothing here reads or changes the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "controller/config/manifest.h"
#include "controller/network/snapshot.h"
#include "controller/plan/index_allocator.h"
#include "controller/util/result.h"
#include "lib/netlink/rules.h"

namespace glb::plan {

/// An (interface, VLAN) of the manifest.
struct GuardedPort {
    std::string interface;
    unsigned ifindex = 0;                  ///< 0: the interface does not exist
    std::array<std::uint16_t, 2> vlans{};  ///< outermost first, 0: none; as in glb_logical_port_key()
    std::vector<std::string> devices;      ///< kernel devices that receive its packets (eth1.100, br0)
    std::vector<std::string> bridges;      ///< those devices that also receive from a bridge's other ports
    std::string stack_device;              ///< the one of them with the addresses; empty: the first
    std::optional<std::uint16_t> endpoint; ///< the data path's index; nullopt: tunnel only
    std::string endpoint_name;
    std::uint32_t route_table = 0; ///< 0: the node's own routing rules apply
    config::WhenDetached when_detached = config::WhenDetached::drop;

    bool operator==(const GuardedPort &) const = default;

    /// The device by which the stack receives the punted packets of its endpoint.
    [[nodiscard]] const std::string &punt_device() const {
        return stack_device.empty() && !devices.empty() ? devices.front() : stack_device;
    }
    /// True if the kernel may forward only packets that the data path punted.
    [[nodiscard]] bool is_guarded() const { return endpoint && when_detached == config::WhenDetached::drop; }
};

struct GuardPlan {
    std::uint32_t mark_mask = 0x0fff0000;
    std::vector<GuardedPort> ports;
    std::string node = {}; ///< name of the node; empty: the host name

    bool operator==(const GuardPlan &) const = default;
};

/// Every endpoint of the manifest must have an index in `indexes`. `known` is the result of known_devices()
/// for an earlier plan: rules must also name devices that do not exist now but may appear while no daemon
/// runs. A device that was never seen is assumed to have its conventional name (eth1.100).
[[nodiscard]] GuardPlan plan_guard(const config::Manifest &manifest, const IndexAllocator &indexes,
                                   const network::Snapshot &snapshot, const nlohmann::json &known);

/// The (interface, VLAN) pairs of `known` that the plan of a manifest lacks which is not known completely. Of no
/// endpoint.
[[nodiscard]] std::vector<GuardedPort>
unplanned_ports(const GuardPlan &plan, const network::Snapshot &snapshot, const nlohmann::json &known);

/// The kernel devices that receive the traffic of the manifest's interfaces, distinct. `known` as in plan_guard().
[[nodiscard]] std::set<std::string> receiving_device_names(const config::Manifest &manifest,
                                                           const network::Snapshot &snapshot,
                                                           const nlohmann::json &known);

/// The devices of each port, to be persisted: {"eth1": ["eth1", "br0"], "eth1/100": ["uplink"]}.
[[nodiscard]] nlohmann::json known_devices(const GuardPlan &plan);

/// Packet marks within the mask: all ones is the guard's, `index + 1` an endpoint's, 0 is unmarked.
[[nodiscard]] std::uint32_t guard_mark(std::uint32_t mask);
/// All ones but the lowest bit. nftables replaces the guard's mark with it, so that the blackhole rule
/// matches only packets that nftables did not see.
[[nodiscard]] std::uint32_t guard_seen_mark(std::uint32_t mask);
/// The bits of `index + 1`, lowest first, placed into the mask's bits. check_guard_plan() verifies that they
/// fit.
[[nodiscard]] std::uint32_t endpoint_mark(std::uint32_t mask, std::uint16_t index);

/// The highest two bits. No endpoint with a route table has one of them. With the highest one set and the other one
/// clear, nftables looks up a route for a packet to find out whether the guard's routing rules exist.
[[nodiscard]] std::uint32_t probe_mask(std::uint32_t mask);
[[nodiscard]] std::uint32_t probe_mark(std::uint32_t mask);

/// Fails if the mask cannot hold an endpoint's mark besides 0, the guard's two and those of probes, if an endpoint
/// has two route tables, or if an interface name is not valid in a rule.
[[nodiscard]] Status check_guard_plan(const GuardPlan &plan);

struct PacketCount {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    bool operator==(const PacketCount &) const = default;
    friend PacketCount operator+(const PacketCount &a, const PacketCount &b) {
        return {a.packets + b.packets, a.bytes + b.bytes};
    }
};

/// By how much a counter grew from `before` to `now`. One that is less than before was reset in between.
[[nodiscard]] PacketCount growth(const PacketCount &before, const PacketCount &now);

/// One nftables transaction that sets table `inet glb` to the plan, whatever its chains contain. An existing
/// counter keeps its value; a new one starts at `counted`. `anew`: the chains are deleted and created, which is
/// needed if one has another hook or priority, and fails if a foreign rule refers to one. `with_probe`: packets of endpoints with a route table are
/// dropped while their routing rules are missing, which needs the kernel module nft_fib_inet.
[[nodiscard]] std::string guard_ruleset(const GuardPlan &plan, const PacketCount &counted,
                                        bool with_probe = true, bool anew = false);

/// The routing rules of both families, sorted.
[[nodiscard]] std::vector<Rule> guard_routing_rules(const GuardPlan &plan);

struct Sysctl {
    std::string key; ///< below /proc/sys: "net/ipv4/conf/eth1/rp_filter"
    std::string value;
    auto operator<=>(const Sysctl &) const = default;
};
/// Sorted, distinct keys.
[[nodiscard]] std::vector<Sysctl> guard_sysctls(const GuardPlan &plan);

/// Names of the manifest's interfaces and their devices, sorted, distinct.
[[nodiscard]] std::vector<std::string> guard_devices(const GuardPlan &plan);

/// Names of the devices that endpoint traffic enters by, of ports that are guarded.
[[nodiscard]] std::set<std::string> guarded_devices(const GuardPlan &plan);

/// Indexes of the interfaces that exist and need a filter, sorted, distinct.
[[nodiscard]] std::vector<unsigned> guard_interfaces(const GuardPlan &plan);

} // namespace glb::plan
