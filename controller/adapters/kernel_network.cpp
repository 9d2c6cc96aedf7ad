#include "controller/adapters/kernel_network.h"

namespace glb {

Result<KernelNetwork> KernelNetwork::open() {
    GLB_ASSIGN(auto netlink, Netlink::open());
    GLB_ASSIGN(auto paths, PathResolver::open());
    GLB_ASSIGN(auto monitor, Monitor::open());
    return KernelNetwork(std::move(netlink), std::move(paths), std::move(monitor));
}

Result<Snapshot> KernelNetwork::read() {
    GLB_ASSIGN(auto snapshot, read_snapshot(netlink_));
    monitor_.set_known_neighbours(snapshot);
    return snapshot;
}

Result<bool> KernelNetwork::drain_changes() {
    bool any = false;
    GLB_TRY(monitor_.drain([&](const NetworkChange &change) { any = change.any(); }));
    return any;
}

} // namespace glb
