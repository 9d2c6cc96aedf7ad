#include "controller/adapters/kernel_network.h"

#include "controller/util/log.h"

namespace glb::adapters {

Result<KernelNetwork> KernelNetwork::open() {
    GLB_ASSIGN(auto netlink, Netlink::open());
    GLB_ASSIGN(auto paths, network::PathResolver::open());
    GLB_ASSIGN(auto monitor, network::Monitor::open());
    GLB_ASSIGN(auto forwarding, network::ForwardingReader::open());
    return KernelNetwork(std::move(netlink), std::move(paths), std::move(monitor), std::move(forwarding));
}

Result<network::Snapshot> KernelNetwork::read() {
    GLB_ASSIGN(auto snapshot, network::read_snapshot(netlink_));
    monitor_.set_known_neighbours(snapshot);
    auto error = forwarding_.read(snapshot, MonotonicTime::clock::now());
    if (error != forwarding_error_ && !error.empty())
        spdlog::warn("{}", error);
    forwarding_error_ = std::move(error);
    return snapshot;
}

Result<bool> KernelNetwork::drain_changes() {
    bool any = false;
    GLB_TRY(monitor_.drain([&](const network::NetworkChange &change) { any = change.any(); }));
    return any;
}

} // namespace glb::adapters
