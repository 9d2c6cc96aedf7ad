// The guard's filters as classic BPF, which an ordinary user may load: a program that returns the id of the fake. They
// are in the kernel, so they end with their qdisc or interface, and tc replaces and removes them.
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "controller/guard/clsact.h"
#include "controller/guard/filter.h"
#include "tests/netns/guard_unprivileged/fake_programs.h"

namespace glb::guard {
namespace {

using test::FakePrograms;

tcmsg &put_tc_header(NetlinkRequest &request, unsigned ifindex, std::uint32_t minor) {
    auto &header = request.extra<tcmsg>();
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(ifindex);
    header.tcm_parent = TC_H_MAKE(TC_H_CLSACT, minor);
    return header;
}

NetlinkRequest own_filter_request(std::uint16_t type, std::uint16_t flags, unsigned ifindex) {
    NetlinkRequest request(type, flags);
    auto &header = put_tc_header(request, ifindex, TC_H_MIN_INGRESS);
    header.tcm_handle = filter_handle;
    header.tcm_info = TC_H_MAKE(filter_priority << 16, htons(ETH_P_ALL));
    request.put(TCA_KIND, std::string("bpf"));
    return request;
}

std::string operation(const char *verb, unsigned ifindex) {
    char name[IF_NAMESIZE] = "";
    return fmt::format("{} {}", verb, ::if_indextoname(ifindex, name) ? name : "?");
}

/// The id in a filter's program; 0 if it is not a fake's.
std::uint32_t id_of(const NetlinkAttributes &attributes) {
    const auto *options = attributes.get(TCA_OPTIONS);
    if (!options || attributes.text(TCA_KIND) != "bpf")
        return 0;
    const auto *code = NetlinkAttributes(options).get(TCA_BPF_OPS);
    if (!code)
        return 0;
    const auto id = static_cast<const sock_filter *>(mnl_attr_get_payload(code))->k;
    return FakePrograms::current().find(id) ? id : 0;
}

} // namespace

Result<std::vector<Filter>> list_filters(Netlink &netlink, unsigned ifindex, bool egress) {
    std::vector<Filter> filters;
    NetlinkRequest request(RTM_GETTFILTER, 0);
    put_tc_header(request, ifindex, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
    const auto done = netlink.dump(
        request, "cannot list the tc filters", [&] { filters.clear(); },
        [&](const nlmsghdr &message) {
            const auto &found = *static_cast<const tcmsg *>(mnl_nlmsg_get_payload(&message));
            if (message.nlmsg_type != RTM_NEWTFILTER || found.tcm_handle == 0)
                return;
            const auto id = id_of(NetlinkAttributes(message, sizeof(tcmsg)));
            filters.push_back({found.tcm_info >> 16, found.tcm_handle, id ? filter_name : "foreign", id});
        });
    if (!done && !is_missing_in_tc(done))
        return tl::unexpected(done.error());
    return filters;
}

Status put_filter(Netlink &netlink, unsigned ifindex, int program_fd) {
    GLB_TRY(FakePrograms::current().begin(operation("put", ifindex)));
    auto request = own_filter_request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, ifindex);
    const sock_filter code{BPF_RET | BPF_K, 0, 0, static_cast<std::uint32_t>(program_fd)};
    auto *options = mnl_attr_nest_start(request.header(), TCA_OPTIONS);
    mnl_attr_put_u16(request.header(), TCA_BPF_OPS_LEN, 1);
    mnl_attr_put(request.header(), TCA_BPF_OPS, sizeof code, &code);
    mnl_attr_nest_end(request.header(), options);
    return netlink.execute(request, "cannot attach the fake filter");
}

Status remove_filter(Netlink &netlink, unsigned ifindex) {
    GLB_ASSIGN(const auto filters, list_filters(netlink, ifindex));
    for (const auto &filter : filters) {
        if (!filter.is_own())
            continue;
        GLB_TRY(FakePrograms::current().begin(operation("remove", ifindex)));
        auto request = own_filter_request(RTM_DELTFILTER, 0, ifindex);
        GLB_TRY(netlink.execute(request, "cannot remove the fake filter"));
    }
    return {};
}

} // namespace glb::guard
