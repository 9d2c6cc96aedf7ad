#include "controller/guard/clsact.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace glb::guard {
namespace {

NetlinkRequest qdisc_request(std::uint16_t type, std::uint16_t flags, unsigned ifindex) {
    NetlinkRequest request(type, flags);
    auto &header = request.extra<tcmsg>();
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(ifindex);
    header.tcm_parent = TC_H_CLSACT;
    header.tcm_handle = TC_H_CLSACT & TC_H_MAJ_MASK;
    request.put(TCA_KIND, std::string("clsact"));
    return request;
}

} // namespace

Result<bool> add_clsact(Netlink &netlink, unsigned ifindex) {
    auto request = qdisc_request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
    const auto done = netlink.execute(request, "cannot add the clsact qdisc");
    if (!done && done.error().code != EEXIST)
        return tl::unexpected(done.error());
    return done.has_value();
}

Status remove_clsact(Netlink &netlink, unsigned ifindex) {
    auto request = qdisc_request(RTM_DELQDISC, 0, ifindex);
    const auto done = netlink.execute(request, "cannot remove the clsact qdisc");
    return done || is_missing_in_tc(done) ? Status{} : done;
}

bool is_missing_in_tc(const Status &failed) {
    const int code = failed.error().code;
    return code == ENOENT || code == ENODEV || code == EINVAL;
}

} // namespace glb::guard
