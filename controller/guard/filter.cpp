#include "controller/guard/filter.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "controller/guard/clsact.h"

namespace glb::guard {
namespace {

std::uint32_t parent_handle(bool egress) {
    return TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

NetlinkRequest filter_request(std::uint16_t type, std::uint16_t flags, unsigned ifindex) {
    NetlinkRequest request(type, flags);
    auto &header = request.extra<tcmsg>();
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(ifindex);
    header.tcm_parent = parent_handle(false);
    header.tcm_handle = filter_handle;
    header.tcm_info = TC_H_MAKE(filter_priority << 16, htons(ETH_P_ALL));
    request.put(TCA_KIND, std::string("bpf"));
    return request;
}

} // namespace

Result<std::vector<Filter>> list_filters(Netlink &netlink, unsigned ifindex, bool egress) {
    std::vector<Filter> filters;
    NetlinkRequest request(RTM_GETTFILTER, 0);
    auto &header = request.extra<tcmsg>();
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(ifindex);
    header.tcm_parent = parent_handle(egress);
    const auto done = netlink.dump(
        request, "cannot list the tc filters", [&] { filters.clear(); },
        [&](const nlmsghdr &message) {
            if (message.nlmsg_type != RTM_NEWTFILTER)
                return;
            const auto &found = *static_cast<const tcmsg *>(mnl_nlmsg_get_payload(&message));
            // The dump has a row without a handle per priority.
            if (found.tcm_handle == 0)
                return;
            const NetlinkAttributes attributes(message, sizeof(tcmsg));
            const auto *options = attributes.get(TCA_OPTIONS);
            const auto kind = attributes.text(TCA_KIND);
            Filter filter{found.tcm_info >> 16, found.tcm_handle, {}, 0, kind, mark_effect_of(kind, options)};
            if (options && kind == "bpf") {
                const NetlinkAttributes bpf(options);
                filter.name = bpf.text(TCA_BPF_NAME);
                filter.program_id = bpf.u32(TCA_BPF_ID);
            }
            filters.push_back(std::move(filter));
        });
    if (!done && !is_missing_in_tc(done))
        return tl::unexpected(done.error());
    return filters;
}

Status put_filter(Netlink &netlink, unsigned ifindex, int program_fd) {
    auto request = filter_request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, ifindex);
    auto *options = mnl_attr_nest_start(request.header(), TCA_OPTIONS);
    request.put(TCA_BPF_FD, static_cast<std::uint32_t>(program_fd));
    request.put(TCA_BPF_NAME, std::string(filter_name));
    request.put(TCA_BPF_FLAGS, std::uint32_t{TCA_BPF_FLAG_ACT_DIRECT});
    mnl_attr_nest_end(request.header(), options);
    return netlink.execute(request, "cannot attach the guard's filter");
}

Status remove_filter(Netlink &netlink, unsigned ifindex) {
    auto filters = list_filters(netlink, ifindex);
    if (!filters)
        return tl::unexpected(filters.error());
    for (const auto &filter : *filters) {
        if (!filter.is_own())
            continue;
        auto request = filter_request(RTM_DELTFILTER, 0, ifindex);
        auto done = netlink.execute(request, "cannot remove the guard's filter");
        if (!done && !is_missing_in_tc(done))
            return done;
    }
    return {};
}

} // namespace glb::guard
