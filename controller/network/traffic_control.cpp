#include "controller/network/traffic_control.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "controller/util/containers.h"

namespace glb::network {
namespace {

constexpr std::array<std::string_view, 15> queues_only = {
    "noqueue", "pfifo_fast", "pfifo", "bfifo",  "pfifo_head_drop", "fq_codel", "codel", "fq",
    "fq_pie",  "sfq",        "mq",    "mqprio", "multiq",          "ingress",  "clsact"};

/// cake limits only with a bandwidth.
bool is_limit(const NetlinkAttributes &attributes) {
    const auto kind = attributes.text(TCA_KIND);
    if (kind == "cake") {
        const auto *rate = NetlinkAttributes(attributes.get(TCA_OPTIONS)).get(TCA_CAKE_BASE_RATE64);
        return rate && mnl_attr_get_u64(rate) != 0;
    }
    return std::ranges::find(queues_only, kind) == queues_only.end();
}

const tcmsg &header_of(const nlmsghdr &message) {
    return *static_cast<const tcmsg *>(mnl_nlmsg_get_payload(&message));
}

Status read_filters(Netlink &netlink, unsigned ifindex, std::vector<EgressControl> &controls) {
    NetlinkRequest request(RTM_GETTFILTER, 0);
    auto &header = request.extra<tcmsg>();
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(ifindex);
    header.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
    std::vector<EgressControl> found;
    GLB_TRY(netlink.dump(
        request, "cannot list the egress filters", [&] { found.clear(); },
        [&](const nlmsghdr &message) {
            if (message.nlmsg_type == RTM_NEWTFILTER)
                push_back_unique(found, {ifindex, EgressControl::Type::filter,
                                         NetlinkAttributes(message, sizeof(tcmsg)).text(TCA_KIND)});
        }));
    controls.insert(controls.end(), found.begin(), found.end());
    return {};
}

} // namespace

Result<std::vector<EgressControl>> read_egress_controls(Netlink &netlink) {
    std::vector<EgressControl> controls;
    std::set<unsigned> with_filters;
    NetlinkRequest request(RTM_GETQDISC, 0);
    request.extra<tcmsg>();
    GLB_TRY(netlink.dump(
        request, "cannot list the queueing disciplines",
        [&] {
            controls.clear();
            with_filters.clear();
        },
        [&](const nlmsghdr &message) {
            if (message.nlmsg_type != RTM_NEWQDISC)
                return;
            const NetlinkAttributes attributes(message, sizeof(tcmsg));
            const auto ifindex = static_cast<unsigned>(header_of(message).tcm_ifindex);
            if (attributes.text(TCA_KIND) == "clsact")
                with_filters.insert(ifindex);
            if (is_limit(attributes))
                push_back_unique(controls, {ifindex, EgressControl::Type::qdisc, attributes.text(TCA_KIND)});
        }));
    for (const auto ifindex : with_filters)
        if (const auto done = read_filters(netlink, ifindex, controls);
            !done && done.error().code != ENODEV && done.error().code != EINVAL) // gone meanwhile
            return tl::unexpected(done.error());
    return controls;
}

} // namespace glb::network
