#include "controller/network/path_resolver.h"

#include <algorithm>

#include "controller/config/enum_strings.h"
#include "controller/config/formats.h"
#include "controller/network/topology.h"

namespace glb {

namespace {

constexpr std::chrono::seconds refresh_each{10}; // where the kernel does not keep neighbours by itself
constexpr std::chrono::milliseconds ask_again{1000};

} // namespace

std::vector<datapath::PathConfig::Tag> tags_of(const Snapshot &snapshot, unsigned device) {
    std::vector<datapath::PathConfig::Tag> tags;
    const auto port = resolve_port(snapshot, device);
    const auto *link = port ? snapshot.link(device) : nullptr;
    while (link && link->index != port->ifindex) {
        if (link->kind == "vlan")
            tags.insert(tags.begin(),
                        {link->vlan_id, link->vlan_protocol ? link->vlan_protocol : std::uint16_t{0x8100}});
        if (link->lower && link->lower_is_here) {
            link = snapshot.link(link->lower);
            continue;
        }
        // A bridge or bond: resolve_port() has found that it has one port.
        const auto below = std::find_if(snapshot.links.begin(), snapshot.links.end(),
                                        [&](const Link &other) { return other.master == link->index; });
        link = below == snapshot.links.end() ? nullptr : &*below;
    }
    return tags;
}

ResolvedPath path_by(const Snapshot &snapshot, const RouteAnswer &answer, const IpAddress &target) {
    ResolvedPath result;
    result.on_link = !answer.gateway;
    const auto *egress = snapshot.link(answer.oif);
    if (answer.local || !egress) {
        result.problem = answer.local ? "its address is the node's own" : "its route has no interface";
        return result;
    }
    const auto port = resolve_port(snapshot, answer.oif);
    if (!port) {
        result.problem = fmt::format("its route leads to {}, which is on no single interface", egress->name);
        return result;
    }
    const auto &hop = answer.next_hop(target);
    const auto *neighbour = snapshot.neighbour(answer.oif, hop);
    if (!neighbour || !neighbour->is_valid() || neighbour->mac.is_zero()) {
        result.problem = fmt::format("next hop {} on {} is not resolved", hop.to_string(), egress->name);
        return result;
    }
    datapath::PathConfig path;
    path.tags = tags_of(snapshot, answer.oif);
    if (path.tags.size() > 2) {
        result.problem =
            fmt::format("its route leads to {}, which has more than two VLAN tags", egress->name);
        return result;
    }
    path.ifindex = port->ifindex;
    path.source = egress->mac;
    path.destination = neighbour->mac;
    path.mtu = static_cast<std::uint16_t>(std::min(answer.mtu ? answer.mtu : egress->mtu, 65535u));
    result.path = path;
    return result;
}

unsigned device_of(const Snapshot &snapshot, const InterfaceRef &interface) {
    const auto *link = snapshot.link(interface.name);
    if (!link)
        return 0;
    const auto devices = devices_of(snapshot, link->index, interface.vlans);
    if (devices.empty())
        return 0;
    // Where the device is a bridge's or a VRF's port, addresses and routes are the master's.
    const auto *device = snapshot.link(devices.front());
    const auto *master = device && device->master ? snapshot.link(device->master) : nullptr;
    return master && (master->kind == "bridge" || master->kind == "bond") ? master->index : devices.front();
}

Result<PathResolver> PathResolver::open() {
    GLB_ASSIGN(auto netlink, Netlink::open());
    return PathResolver(std::move(netlink));
}

ResolvedPath PathResolver::resolve_path(const Snapshot &snapshot, const Tunnel &tunnel, unsigned device,
                                        const IpAddress &target, PathEntry &known) {
    ResolvedPath nothing;
    if (device == 0) {
        nothing.problem = fmt::format("the tunnel's interface {} is absent", to_string(tunnel.interface));
        return nothing;
    }
    RouteQuery query;
    query.destination = target;
    query.oif = device;
    auto answer = route_get(netlink_, query);
    if (!answer) {
        nothing.problem = answer.error().message;
        return nothing;
    }
    known.hop = {answer->oif, answer->next_hop(target)};
    return path_by(snapshot, *answer, target);
}

void PathResolver::refresh_entry(const NextHopKey &hop, const Snapshot &snapshot, Time now) {
    auto [at, is_new] = refreshed_.try_emplace(hop);
    const auto *neighbour = snapshot.neighbour(hop.ifindex, hop.address);
    const bool valid = neighbour && neighbour->is_valid();
    const bool due =
        at->second.freshness == Freshness::on_use ? now - at->second.refreshed > refresh_each : !valid;
    if (!is_new && !(due && now - at->second.refreshed > ask_again) &&
        (valid || now - at->second.refreshed < ask_again))
        return;
    at->second.refreshed = now;
    // A permanent neighbour is somebody's decision: it is left as it is.
    constexpr std::uint16_t permanent = 0x80; // NUD_PERMANENT
    if (neighbour && neighbour->state & permanent)
        return;
    if (const auto kept = keep_fresh(netlink_, hop.ifindex, hop.address))
        at->second.freshness = *kept;
}

std::map<IpAddress, ResolvedPath> PathResolver::update(const Snapshot &snapshot, const Tunnel &tunnel,
                                                       const std::set<IpAddress> &targets, Time now) {
    std::map<IpAddress, ResolvedPath> paths;
    std::set<NextHopKey> hops;
    const auto device = device_of(snapshot, tunnel.interface);
    std::erase_if(entries_, [&](const auto &row) { return !targets.contains(row.first); });
    for (const auto &target : targets) {
        auto &known = entries_[target];
        auto path = resolve_path(snapshot, tunnel, device, target, known);
        if (known.hop.ifindex) {
            hops.insert(known.hop);
            refresh_entry(known.hop, snapshot, now);
        }
        if (path.path) {
            known.missing_since.reset();
            known.is_unreachable = false;
            known.last = path;
        } else {
            if (!known.missing_since)
                known.missing_since = now;
            known.is_unreachable = now - *known.missing_since >= grace;
            if (!known.is_unreachable && known.last.path) {
                known.last.problem = path.problem;
                path = known.last;
            }
        }
        paths.emplace(target, std::move(path));
    }
    for (auto at = refreshed_.begin(); at != refreshed_.end();) {
        if (hops.contains(at->first)) {
            ++at;
            continue;
        }
        if (at->second.freshness == Freshness::managed)
            (void)finish(netlink_, at->first.ifindex, at->first.address); // it may be gone with its interface
        at = refreshed_.erase(at);
    }
    return paths;
}

bool PathResolver::force_resolve(const IpAddress &target, Time now) {
    const auto found = entries_.find(target);
    if (found == entries_.end() || !found->second.hop.ifindex)
        return false;
    auto &known = found->second;
    if (known.asked_anew && now - *known.asked_anew < ask_again)
        return false;
    known.asked_anew = now;
    const auto hop = known.hop;
    (void)finish(netlink_, hop.ifindex, hop.address); // gone already is as good
    refreshed_.erase(hop);
    if (const auto kept = keep_fresh(netlink_, hop.ifindex, hop.address))
        refreshed_[hop] = {*kept, now};
    return true;
}

void PathResolver::revalidate(const IpAddress &target, Time now) {
    const auto found = entries_.find(target);
    if (found != entries_.end() && found->second.last.on_link)
        (void)force_resolve(target, now);
}

void PathResolver::resolve(unsigned ifindex, const IpAddress &address) {
    (void)request_resolution(netlink_, ifindex, address); // its outcome is the neighbour's state
}

bool PathResolver::is_unreachable(const IpAddress &target) const {
    const auto found = entries_.find(target);
    return found != entries_.end() && found->second.is_unreachable;
}

void PathResolver::release_all() {
    for (const auto &[hop, kept] : refreshed_)
        if (kept.freshness == Freshness::managed)
            (void)finish(netlink_, hop.ifindex, hop.address);
    refreshed_.clear();
    entries_.clear();
}

} // namespace glb
