// Paths: the way from the node to each target, as the kernel's routes and neighbours have it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/network/neighbour.h"
#include "controller/network/route.h"
#include "controller/network/snapshot.h"
#include "controller/plan/bank_image.h"
#include "controller/util/result.h"

namespace glb {

struct ResolvedPath {
    std::optional<datapath::PathConfig> path; ///< none: not resolved (yet)
    bool on_link = false;                     ///< no router between: the sender's MAC can be checked
    std::string problem;                      ///< why there is none
};

/// The tags of frames that `device` sends, the outer one first, each with its own ethertype: those of the
/// VLAN devices from it down to resolve_port()'s interface. Empty also where there is no such interface.
[[nodiscard]] std::vector<datapath::PathConfig::Tag> tags_of(const Snapshot &snapshot, unsigned device);

/// The way by `answer`, from the snapshot alone. The egress must be the tunnel's port.
[[nodiscard]] ResolvedPath path_by(const Snapshot &snapshot, const RouteAnswer &answer,
                                   const IpAddress &target);

/// The kernel's device for an (interface, VLANs) of the manifest; 0 where there is none.
[[nodiscard]] unsigned device_of(const Snapshot &snapshot, const InterfaceRef &interface);

/// Asks routes, has next hops resolved and kept so, and remembers the last good way: a neighbour that is
/// being asked anew costs no packet. After `grace` without an answer a path is given up.
class PathResolver {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds grace{3000};

    explicit PathResolver(Netlink netlink) : netlink_(std::move(netlink)) {}
    [[nodiscard]] static Result<PathResolver> open();

    /// Paths of all `targets`, now.
    [[nodiscard]] std::map<IpAddress, ResolvedPath> update(const Snapshot &snapshot, const Tunnel &tunnel,
                                                           const std::set<IpAddress> &targets, Time now);

    /// GENEVE came from another MAC: forgets what the kernel knows of this neighbour and asks anew. At most
    /// once a second for an address: false where it did not.
    bool force_resolve(const IpAddress &target, Time now);

    /// Nothing comes back from `target`: on the tunnel's own link another machine may have its address by
    /// now, and the kernel would go on to ask the old one for some ten seconds. Asks anew.
    void revalidate(const IpAddress &target, Time now);

    /// Has the kernel resolve a next hop that the data path missed.
    void resolve(unsigned ifindex, const IpAddress &address);

    /// True where `target` has had no path for longer than the grace period.
    [[nodiscard]] bool is_unreachable(const IpAddress &target) const;

    /// Ends what keeps neighbours fresh.
    void release_all();

  private:
    struct NextHopKey {
        unsigned ifindex = 0;
        IpAddress address;
        auto operator<=>(const NextHopKey &) const = default;
    };
    struct PathEntry {
        ResolvedPath last;
        std::optional<Time> missing_since;
        std::optional<Time> asked_anew;
        NextHopKey hop;
        bool is_unreachable = false;
    };

    ResolvedPath resolve_path(const Snapshot &snapshot, const Tunnel &tunnel, unsigned device,
                              const IpAddress &target, PathEntry &known);
    void refresh_entry(const NextHopKey &hop, const Snapshot &snapshot, Time now);

    Netlink netlink_;
    std::map<IpAddress, PathEntry> entries_;
    struct RefreshEntry {
        Freshness freshness = Freshness::on_use;
        Time refreshed{};
    };
    std::map<NextHopKey, RefreshEntry> refreshed_;
};

} // namespace glb
