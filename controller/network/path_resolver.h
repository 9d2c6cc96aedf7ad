// PathResolver: the path from the node to each target, from the kernel's routes and neighbours.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/network/neighbour.h"
#include "controller/network/path.h"
#include "controller/network/route.h"
#include "controller/network/snapshot.h"
#include "controller/util/interface_ref.h"
#include "controller/util/monotonic_time.h"
#include "controller/util/result.h"

namespace glb::network {

struct ResolvedPath {
    std::optional<Path> path;  ///< nullopt: not resolved (yet)
    bool on_link = false;      ///< the target is not behind a router: its source MAC can be verified
    std::string problem;       ///< why there is no path
    bool no_neighbour = false; ///< that is why: the next hop has no MAC. Otherwise the problem is the node's
};

/// What is known of the way to a target.
enum class Reach : std::uint8_t {
    reachable,     ///< or not reachable for a short time
    no_neighbour,  ///< the next hop does not answer ARP or ND: evidence about the target, or its router
    local_problem, ///< there is no route or no interface on the node: no evidence
};

/// The path to `target` by a route, from the snapshot alone. Fails (no path, `problem` set) if the next
/// hop is not resolved or the egress device is not backed by exactly one physical interface.
[[nodiscard]] ResolvedPath path_from_route(const Snapshot &snapshot, const RouteAnswer &route,
                                           const IpAddress &target);

/// Queries routes, makes the kernel resolve and refresh next hops, and caches the last valid path of each
/// target, so that packets are not lost while a neighbour is re-resolved. Neighbour entries of operators and
/// routing daemons are used, but never changed.
class PathResolver {
  public:
    static constexpr std::chrono::milliseconds grace{3000};

    explicit PathResolver(Netlink netlink) : netlink_(std::move(netlink)) {}
    [[nodiscard]] static Result<PathResolver> open();

    /// Resolves the paths of all `targets` by the tunnel's interface, as the kernel routes packets from the
    /// tunnel's address `source` (policy routing, ECMP) if the node has it.
    [[nodiscard]] std::map<IpAddress, ResolvedPath>
    update(const Snapshot &snapshot, const InterfaceRef &tunnel_interface, const IpAddress &source,
           const std::set<IpAddress> &targets, MonotonicTime now);

    /// Removes the kernel's neighbour entry of the target's next hop, itself or its router, and resolves it again:
    /// for GENEVE from an unexpected source MAC, and for targets that do not answer. The kernel would keep using
    /// a stale entry for half a minute, while another machine may have taken over the address. At most once a
    /// second per next hop, and less often while that confirms the MAC; false if it was not done.
    bool force_resolve(const IpAddress &target, MonotonicTime now);

    /// Requests resolution of a next hop that the data path reported as missing.
    void resolve(unsigned ifindex, const IpAddress &address);

    /// Not reachable: there has been no path for longer than `grace`.
    [[nodiscard]] Reach reach(const IpAddress &target) const;

    /// Removes all managed neighbour entries and forgets all paths.
    void release_all();

  private:
    struct NextHopKey {
        unsigned ifindex = 0;
        IpAddress address;
        auto operator<=>(const NextHopKey &) const = default;
    };
    struct PathEntry {
        ResolvedPath last_valid;
        std::optional<MonotonicTime> missing_since;
        NextHopKey next_hop; ///< ifindex 0: no route was found yet
        Reach reach = Reach::reachable;
    };
    struct RefreshEntry {
        RefreshMode mode = RefreshMode::on_use;
        MonotonicTime refreshed{};
        std::optional<MonotonicTime> forced; ///< last force_resolve()
        std::chrono::milliseconds pause{};   ///< until the next one
        MacAddress forced_mac;               ///< in use at that time
    };

    ResolvedPath resolve_path(const Snapshot &snapshot, const RouteQuery &query, PathEntry &entry);
    static void update_reach(PathEntry &entry, ResolvedPath &path, MonotonicTime now);
    void refresh(const NextHopKey &next_hop, const Snapshot &snapshot, MonotonicTime now);
    void remove_unused(const std::set<NextHopKey> &used);

    Netlink netlink_;
    std::map<IpAddress, PathEntry> entries_;
    std::map<NextHopKey, RefreshEntry> refreshed_;
};

} // namespace glb::network
