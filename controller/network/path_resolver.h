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
    std::optional<Path> path; ///< nullopt: not resolved (yet)
    bool on_link = false;     ///< the target is not behind a router: its source MAC can be verified
    std::string problem;      ///< why there is no path
};

/// The path to `target` by a route, from the snapshot alone. Fails (no path, `problem` set) if the next
/// hop is not resolved or the egress device is not backed by exactly one physical interface.
[[nodiscard]] ResolvedPath path_from_route(const Snapshot &snapshot, const RouteAnswer &route,
                                           const IpAddress &target);

/// Queries routes, makes the kernel resolve and refresh next hops, and caches the last valid path of each
/// target, so that packets are not lost while a neighbour is re-resolved. A target without a valid path for
/// longer than `grace` is unreachable.
class PathResolver {
  public:
    static constexpr std::chrono::milliseconds grace{3000};

    explicit PathResolver(Netlink netlink) : netlink_(std::move(netlink)) {}
    [[nodiscard]] static Result<PathResolver> open();

    /// Resolves the paths of all `targets` by the tunnel's interface.
    [[nodiscard]] std::map<IpAddress, ResolvedPath> update(const Snapshot &snapshot,
                                                           const InterfaceRef &tunnel_interface,
                                                           const std::set<IpAddress> &targets,
                                                           MonotonicTime now);

    /// Removes the kernel's neighbour entry of the target's next hop and resolves it again: for GENEVE from
    /// an unexpected source MAC. At most once a second per address; false if it was not done.
    bool force_resolve(const IpAddress &target, MonotonicTime now);

    /// Forces neighbour resolution of an on-link target. The kernel would otherwise keep using a stale entry
    /// for about ten seconds, while another machine may have taken over the address.
    void revalidate(const IpAddress &target, MonotonicTime now);

    /// Requests resolution of a next hop that the data path reported as missing.
    void resolve(unsigned ifindex, const IpAddress &address);

    /// True if `target` has had no path for longer than `grace`.
    [[nodiscard]] bool is_unreachable(const IpAddress &target) const;

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
        std::optional<MonotonicTime> last_forced;
        NextHopKey next_hop; ///< ifindex 0: no route was found yet
        bool is_unreachable = false;
    };
    struct RefreshEntry {
        RefreshMode mode = RefreshMode::on_use;
        MonotonicTime refreshed{};
    };

    ResolvedPath resolve_path(const Snapshot &snapshot, const InterfaceRef &tunnel_interface, unsigned device,
                              const IpAddress &target, PathEntry &entry);
    void refresh(const NextHopKey &next_hop, const Snapshot &snapshot, MonotonicTime now);
    void remove_unused(const std::set<NextHopKey> &used);

    Netlink netlink_;
    std::map<IpAddress, PathEntry> entries_;
    std::map<NextHopKey, RefreshEntry> refreshed_;
};

} // namespace glb::network
