#include "controller/network/path_resolver.h"

#include <algorithm>

#include "controller/network/topology.h"

namespace glb::network {

namespace {

constexpr std::chrono::seconds refresh_interval{10}; // for RefreshMode::on_use
constexpr std::chrono::milliseconds retry_interval{1000};
constexpr std::chrono::milliseconds max_force_pause{8000};

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
        result.no_neighbour = true;
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

ResolvedPath PathResolver::resolve_path(const Snapshot &snapshot, const RouteQuery &query, PathEntry &entry) {
    const auto route = route_get(netlink_, query);
    if (!route) {
        ResolvedPath unresolved;
        unresolved.problem = route.error().message;
        return unresolved;
    }
    auto path = path_from_route(snapshot, *route, query.destination);
    if (path.no_neighbour && !route->gateway && !has_route(netlink_, query)) {
        path.problem = fmt::format("no route to {}", query.destination.to_string());
        path.no_neighbour = false;
        entry.next_hop = {};
        return path;
    }
    entry.next_hop = {route->oif, route->next_hop(query.destination)};
    return path;
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
    if (const auto mode = manage_neighbour(netlink_, next_hop.ifindex, next_hop.address))
        entry.mode = *mode;
}

std::map<IpAddress, ResolvedPath>
PathResolver::update(const Snapshot &snapshot, const InterfaceRef &tunnel_interface, const IpAddress &source,
                     const std::set<IpAddress> &targets, MonotonicTime now) {
    std::map<IpAddress, ResolvedPath> paths;
    std::set<NextHopKey> used;
    RouteQuery query;
    query.oif = kernel_device(snapshot, tunnel_interface);
    if (std::ranges::any_of(snapshot.addresses, [&](const auto &row) { return row.address == source; }))
        query.source = source; // the kernel refuses a source that the node does not have
    std::erase_if(entries_, [&](const auto &row) { return !targets.contains(row.first); });
    for (const auto &target : targets) {
        auto &entry = entries_[target];
        ResolvedPath path;
        query.destination = target;
        if (query.oif == 0)
            path.problem = fmt::format("tunnel interface {} is missing", to_string(tunnel_interface));
        else
            path = resolve_path(snapshot, query, entry);
        if (entry.next_hop.ifindex) {
            used.insert(entry.next_hop);
            refresh(entry.next_hop, snapshot, now);
        }
        update_reach(entry, path, now);
        paths.emplace(target, std::move(path));
    }
    remove_unused(used);
    return paths;
}

/// Replaces a missing `path` by the last valid one while it may still be right.
void PathResolver::update_reach(PathEntry &entry, ResolvedPath &path, MonotonicTime now) {
    if (path.path) {
        entry.missing_since.reset();
        entry.reach = Reach::reachable;
        entry.last_valid = path;
        return;
    }
    if (!entry.missing_since)
        entry.missing_since = now;
    if (now - *entry.missing_since >= grace) {
        entry.reach = path.no_neighbour ? Reach::no_neighbour : Reach::local_problem;
    } else if (entry.reach == Reach::reachable && entry.last_valid.path) {
        entry.last_valid.problem = path.problem;
        entry.last_valid.no_neighbour = path.no_neighbour;
        path = entry.last_valid;
    }
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
    const auto next_hop = found->second.next_hop;
    auto &entry = refreshed_[next_hop];
    if (entry.forced && now - *entry.forced < entry.pause)
        return false;
    const auto &last = found->second.last_valid;
    const auto mac = last.path && !found->second.missing_since ? last.path->destination : MacAddress{};
    const bool is_confirmed = entry.forced && !mac.is_zero() && mac == entry.forced_mac;
    entry.pause = is_confirmed ? std::min(2 * entry.pause, max_force_pause) : retry_interval;
    entry.forced = now;
    entry.forced_mac = mac;
    const auto removed = remove_neighbour(netlink_, next_hop.ifindex, next_hop.address);
    if (removed && !*removed) {
        entry.mode = RefreshMode::foreign;
        return false;
    }
    if (const auto mode = manage_neighbour(netlink_, next_hop.ifindex, next_hop.address))
        entry.mode = *mode;
    entry.refreshed = now;
    return true;
}

void PathResolver::resolve(unsigned ifindex, const IpAddress &address) {
    // The outcome is read from the neighbour's state in the next snapshot.
    (void)request_resolution(netlink_, ifindex, address);
}

Reach PathResolver::reach(const IpAddress &target) const {
    const auto found = entries_.find(target);
    return found == entries_.end() ? Reach::reachable : found->second.reach;
}

void PathResolver::release_all() {
    for (const auto &[next_hop, entry] : refreshed_)
        if (entry.mode == RefreshMode::managed)
            (void)remove_neighbour(netlink_, next_hop.ifindex, next_hop.address);
    refreshed_.clear();
    entries_.clear();
}

} // namespace glb::network
