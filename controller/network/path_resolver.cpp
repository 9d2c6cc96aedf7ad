#include "controller/network/path_resolver.h"

#include <algorithm>

#include <linux/neighbour.h>

#include "controller/network/topology.h"

namespace glb::network {

namespace {

constexpr std::chrono::seconds refresh_interval{10}; // for RefreshMode::on_use
constexpr std::chrono::milliseconds retry_interval{1000};

} // namespace

ResolvedPath path_from_route(const Snapshot &snapshot, const RouteAnswer &route, const IpAddress &target) {
    ResolvedPath result;
    result.on_link = !route.gateway;
    const auto *egress = snapshot.link(route.oif);
    if (route.local || !egress) {
        result.problem = route.local ? "its address is local to the node" : "its route has no interface";
        return result;
    }
    const auto port = resolve_port(snapshot, route.oif);
    if (!port) {
        result.problem = fmt::format(
            "its route uses {}, which is not backed by exactly one physical interface", egress->name);
        return result;
    }
    const auto &next_hop = route.next_hop(target);
    const auto *neighbour = snapshot.neighbour(route.oif, next_hop);
    if (!neighbour || !neighbour->is_valid() || neighbour->mac.is_zero()) {
        result.problem = fmt::format("next hop {} on {} is not resolved", next_hop.to_string(), egress->name);
        return result;
    }
    Path path;
    path.tags = vlan_tags(snapshot, route.oif);
    if (path.tags.size() > 2) {
        result.problem = fmt::format("its route uses {}, which has more than two VLAN tags", egress->name);
        return result;
    }
    path.ifindex = port->ifindex;
    path.source = egress->mac;
    path.destination = neighbour->mac;
    path.mtu = static_cast<std::uint16_t>(std::min(route.mtu ? route.mtu : egress->mtu, 65535u));
    result.path = path;
    return result;
}

Result<PathResolver> PathResolver::open() {
    GLB_ASSIGN(auto netlink, Netlink::open());
    return PathResolver(std::move(netlink));
}

ResolvedPath PathResolver::resolve_path(const Snapshot &snapshot, const InterfaceRef &tunnel_interface,
                                        unsigned device, const IpAddress &target, PathEntry &entry) {
    ResolvedPath unresolved;
    if (device == 0) {
        unresolved.problem = fmt::format("tunnel interface {} is missing", to_string(tunnel_interface));
        return unresolved;
    }
    RouteQuery query;
    query.destination = target;
    query.oif = device;
    const auto route = route_get(netlink_, query);
    if (!route) {
        unresolved.problem = route.error().message;
        return unresolved;
    }
    entry.next_hop = {route->oif, route->next_hop(target)};
    return path_from_route(snapshot, *route, target);
}

void PathResolver::refresh(const NextHopKey &next_hop, const Snapshot &snapshot, MonotonicTime now) {
    auto [at, is_new] = refreshed_.try_emplace(next_hop);
    auto &entry = at->second;
    const auto *neighbour = snapshot.neighbour(next_hop.ifindex, next_hop.address);
    const bool valid = neighbour && neighbour->is_valid();
    const bool due = entry.mode == RefreshMode::on_use ? now - entry.refreshed > refresh_interval : !valid;
    if (!is_new && !(due && now - entry.refreshed > retry_interval) &&
        (valid || now - entry.refreshed < retry_interval))
        return;
    entry.refreshed = now;
    // A permanent entry was configured by an operator: it is never replaced.
    if (neighbour && neighbour->state & NUD_PERMANENT)
        return;
    if (const auto mode = manage_neighbour(netlink_, next_hop.ifindex, next_hop.address))
        entry.mode = *mode;
}

std::map<IpAddress, ResolvedPath> PathResolver::update(const Snapshot &snapshot,
                                                       const InterfaceRef &tunnel_interface,
                                                       const std::set<IpAddress> &targets,
                                                       MonotonicTime now) {
    std::map<IpAddress, ResolvedPath> paths;
    std::set<NextHopKey> used;
    const auto device = kernel_device(snapshot, tunnel_interface);
    std::erase_if(entries_, [&](const auto &row) { return !targets.contains(row.first); });
    for (const auto &target : targets) {
        auto &entry = entries_[target];
        auto path = resolve_path(snapshot, tunnel_interface, device, target, entry);
        if (entry.next_hop.ifindex) {
            used.insert(entry.next_hop);
            refresh(entry.next_hop, snapshot, now);
        }
        if (path.path) {
            entry.missing_since.reset();
            entry.is_unreachable = false;
            entry.last_valid = path;
        } else {
            if (!entry.missing_since)
                entry.missing_since = now;
            entry.is_unreachable = now - *entry.missing_since >= grace;
            if (!entry.is_unreachable && entry.last_valid.path) {
                entry.last_valid.problem = path.problem;
                path = entry.last_valid;
            }
        }
        paths.emplace(target, std::move(path));
    }
    remove_unused(used);
    return paths;
}

void PathResolver::remove_unused(const std::set<NextHopKey> &used) {
    for (auto at = refreshed_.begin(); at != refreshed_.end();) {
        const auto &[next_hop, entry] = *at;
        if (used.contains(next_hop)) {
            ++at;
            continue;
        }
        // A failure is ignored: the entry is also gone when its interface was deleted.
        if (entry.mode == RefreshMode::managed)
            (void)remove_neighbour(netlink_, next_hop.ifindex, next_hop.address);
        at = refreshed_.erase(at);
    }
}

bool PathResolver::force_resolve(const IpAddress &target, MonotonicTime now) {
    const auto found = entries_.find(target);
    if (found == entries_.end() || !found->second.next_hop.ifindex)
        return false;
    auto &entry = found->second;
    if (entry.last_forced && now - *entry.last_forced < retry_interval)
        return false;
    entry.last_forced = now;
    const auto next_hop = entry.next_hop;
    (void)remove_neighbour(netlink_, next_hop.ifindex, next_hop.address); // may be gone already
    refreshed_.erase(next_hop);
    if (const auto mode = manage_neighbour(netlink_, next_hop.ifindex, next_hop.address))
        refreshed_[next_hop] = {*mode, now};
    return true;
}

void PathResolver::revalidate(const IpAddress &target, MonotonicTime now) {
    const auto found = entries_.find(target);
    if (found != entries_.end() && found->second.last_valid.on_link)
        (void)force_resolve(target, now);
}

void PathResolver::resolve(unsigned ifindex, const IpAddress &address) {
    // The outcome is read from the neighbour's state in the next snapshot.
    (void)request_resolution(netlink_, ifindex, address);
}

bool PathResolver::is_unreachable(const IpAddress &target) const {
    const auto found = entries_.find(target);
    return found != entries_.end() && found->second.is_unreachable;
}

void PathResolver::release_all() {
    for (const auto &[next_hop, entry] : refreshed_)
        if (entry.mode == RefreshMode::managed)
            (void)remove_neighbour(netlink_, next_hop.ifindex, next_hop.address);
    refreshed_.clear();
    entries_.clear();
}

} // namespace glb::network
