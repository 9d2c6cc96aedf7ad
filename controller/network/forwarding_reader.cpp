#include "controller/network/forwarding_reader.h"

#include <algorithm>
#include <iterator>

#include "controller/network/egress_hooks.h"

namespace glb::network {

Result<ForwardingReader> ForwardingReader::open() {
    GLB_ASSIGN(auto xfrm, XfrmReader::open());
    GLB_ASSIGN(auto route_mtus, RouteMtuReader::open());
    GLB_ASSIGN(auto netlink, Netlink::open());
    GLB_ASSIGN(auto nftables, Netlink::open(NETLINK_NETFILTER));
    return ForwardingReader(std::move(xfrm), std::move(route_mtus), std::move(netlink), std::move(nftables));
}

Result<std::vector<EgressControl>>
ForwardingReader::read_all_egress_controls(const std::vector<Link> &links) {
    GLB_ASSIGN(auto controls, read_egress_controls(netlink_));
    GLB_ASSIGN(auto chains, read_egress_chains(nftables_, links));
    std::ranges::move(chains, std::back_inserter(controls));
    std::ranges::move(read_egress_tcx(links), std::back_inserter(controls));
    return controls;
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
    set(&Snapshot::egress_controls, read_all_egress_controls(snapshot.links));
    set(&Snapshot::route_mtus, route_mtus_.read(now));
    return error;
}

} // namespace glb::network
