#include "controller/adapters/kernel_network.h"

namespace glb::adapters {

Result<KernelNetwork> KernelNetwork::open() {
    GLB_ASSIGN(auto netlink, Netlink::open());
    GLB_ASSIGN(auto paths, network::PathResolver::open());
    GLB_ASSIGN(auto monitor, network::Monitor::open());
    return KernelNetwork(std::move(netlink), std::move(paths), std::move(monitor));
}

Result<network::Snapshot> KernelNetwork::read() {
    GLB_ASSIGN(auto snapshot, network::read_snapshot(netlink_));
    monitor_.set_known_neighbours(snapshot);
    return snapshot;
}

Result<bool> KernelNetwork::drain_changes() {
    bool any = false;
    GLB_TRY(monitor_.drain([&](const network::NetworkChange &change) { any = change.any(); }));
    return any;
}

} // namespace glb::adapters
