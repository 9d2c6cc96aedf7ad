#include "controller/network/forwarding_reader.h"

namespace glb::network {

Result<ForwardingReader> ForwardingReader::open() {
    GLB_ASSIGN(auto xfrm, XfrmReader::open());
    GLB_ASSIGN(auto route_mtus, RouteMtuReader::open());
    GLB_ASSIGN(auto netlink, Netlink::open());
    return ForwardingReader(std::move(xfrm), std::move(route_mtus), std::move(netlink));
}

std::string ForwardingReader::read(Snapshot &snapshot, MonotonicTime now) {
    std::string error;
    const auto set = [&](auto member, auto value) {
        if (value)
            last_.*member = std::move(*value);
        else if (error.empty())
            error = value.error().message;
        snapshot.*member = last_.*member;
    };
    set(&Snapshot::xfrm_policies, xfrm_.read());
    set(&Snapshot::egress_controls, read_egress_controls(netlink_));
    set(&Snapshot::route_mtus, route_mtus_.read(now));
    return error;
}

} // namespace glb::network
