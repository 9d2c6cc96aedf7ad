// KernelNetwork: NetworkPort over netlink and ethtool.
#pragma once

#include <utility>

#include "controller/control/ports/network_port.h"
#include "controller/network/forwarding_reader.h"
#include "controller/network/monitor.h"
#include "controller/util/monotonic_time.h"
#include "lib/netlink/netlink.h"

namespace glb::adapters {

class KernelNetwork final : public control::NetworkPort {
  public:
    /// In the network namespace of the calling thread.
    [[nodiscard]] static Result<KernelNetwork> open();

    Result<network::Snapshot> read() override;
    std::map<IpAddress, network::ResolvedPath>
    resolve_paths(const network::Snapshot &snapshot, const InterfaceRef &tunnel, const IpAddress &source,
                  const std::set<IpAddress> &targets, MonotonicTime now) override {
        return paths_.update(snapshot, tunnel, source, targets, now);
    }
    void resolve(unsigned ifindex, const IpAddress &address) override { paths_.resolve(ifindex, address); }
    bool force_resolve(const IpAddress &target, MonotonicTime now) override {
        return paths_.force_resolve(target, now);
    }
    network::Reach reach(const IpAddress &target) const override { return paths_.reach(target); }
    Result<std::uint64_t> neighbour_table_overflows() override {
        return network::neighbour_table_overflows(netlink_);
    }
    void release_paths() override { paths_.release_all(); }

    Result<bool> offload(const std::string &interface, network::OffloadFeature feature) override {
        return network::get_offload(interface, feature);
    }
    Status set_offload(const std::string &interface, network::OffloadFeature feature, bool on) override {
        return glb::network::set_offload(interface, feature, on);
    }

    int changes_fd() const override { return monitor_.fd(); }
    Result<bool> drain_changes() override;
    std::uint64_t overruns() const override { return monitor_.overruns(); }

  private:
    KernelNetwork(Netlink netlink, network::PathResolver paths, network::Monitor monitor,
                  network::ForwardingReader forwarding)
        : netlink_(std::move(netlink)), paths_(std::move(paths)), monitor_(std::move(monitor)),
          forwarding_(std::move(forwarding)) {}

    Netlink netlink_;
    network::PathResolver paths_;
    network::Monitor monitor_;
    network::ForwardingReader forwarding_;
    std::string forwarding_error_; ///< last reported
};

} // namespace glb::adapters
