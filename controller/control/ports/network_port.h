// NetworkPort: the kernel's network configuration as control reads it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "controller/health/target_health.h"
#include "controller/network/ethtool.h"
#include "controller/network/path_resolver.h"
#include "controller/network/snapshot.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

/// Control thread.
class NetworkPort {
  public:
    virtual ~NetworkPort() = default;

    [[nodiscard]] virtual Result<network::Snapshot> read() = 0;
    /// See PathResolver::update().
    [[nodiscard]] virtual std::map<IpAddress, network::ResolvedPath>
    resolve_paths(const network::Snapshot &snapshot, const InterfaceRef &tunnel, const IpAddress &source,
                  const std::set<IpAddress> &targets, MonotonicTime now) = 0;
    virtual void resolve(unsigned ifindex, const IpAddress &address) = 0;
    /// See PathResolver::force_resolve().
    virtual bool force_resolve(const IpAddress &target, MonotonicTime now) = 0;
    [[nodiscard]] virtual network::Reach reach(const IpAddress &target) const = 0;
    /// See network::neighbour_table_overflows().
    [[nodiscard]] virtual Result<std::uint64_t> neighbour_table_overflows() = 0;
    /// Removes the neighbour entries that resolve_paths() manages.
    virtual void release_paths() = 0;

    [[nodiscard]] virtual Result<bool> offload(const std::string &interface,
                                               network::OffloadFeature feature) = 0;
    [[nodiscard]] virtual Status set_offload(const std::string &interface, network::OffloadFeature feature,
                                             bool on) = 0;

    /// Readable while notifications are pending; -1 if there is no descriptor.
    [[nodiscard]] virtual int changes_fd() const = 0;
    /// Consumes the pending notifications. True if something relevant has changed.
    [[nodiscard]] virtual Result<bool> drain_changes() = 0;
    /// Number of lost sets of notifications.
    [[nodiscard]] virtual std::uint64_t overruns() const = 0;
};

} // namespace glb::control
