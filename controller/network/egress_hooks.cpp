#include "controller/network/egress_hooks.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace glb::network {
namespace {

constexpr std::uint32_t tcx_egress = 47;             // BPF_TCX_EGRESS, newer than the oldest headers
constexpr std::uint16_t device_prefix_attribute = 2; // NFTA_DEVICE_PREFIX, "eth*" without the asterisk

/// A name, or the beginning of names.
struct Device {
    std::string text;
    bool is_prefix = false;
};

int append_device(const nlattr *attribute, void *devices) {
    static_cast<std::vector<Device> *>(devices)->push_back(
        {mnl_attr_get_str(attribute), mnl_attr_get_type(attribute) == device_prefix_attribute});
    return MNL_CB_OK;
}

std::vector<Device> devices_of(const nlattr *hook) {
    const NetlinkAttributes attributes(hook);
    std::vector<Device> devices;
    if (const auto *list = attributes.get(NFTA_HOOK_DEVS))
        mnl_attr_parse_nested(list, append_device, &devices);
    else
        devices.push_back({attributes.text(NFTA_HOOK_DEV)});
    return devices;
}

void add_chain(const nlmsghdr &message, const std::vector<Link> &links,
               std::vector<EgressControl> &controls) {
    const NetlinkAttributes attributes(message, sizeof(nfgenmsg));
    const auto *hook = attributes.get(NFTA_CHAIN_HOOK);
    if (!hook || ntohl(NetlinkAttributes(hook).u32(NFTA_HOOK_HOOKNUM)) != NF_NETDEV_EGRESS)
        return;
    const auto devices = devices_of(hook);
    const auto is_hooked = [&](const std::string &name) {
        return std::ranges::any_of(devices, [&](const Device &device) {
            return device.is_prefix ? name.starts_with(device.text) : name == device.text;
        });
    };
    for (const auto &link : links)
        if (is_hooked(link.name))
            controls.push_back(
                {link.index, EgressControl::Type::filter,
                 fmt::format("nftables chain {} of table netdev {}", attributes.text(NFTA_CHAIN_NAME),
                             attributes.text(NFTA_CHAIN_TABLE))});
}

} // namespace

Result<std::vector<EgressControl>> read_egress_chains(Netlink &nftables, const std::vector<Link> &links) {
    std::vector<EgressControl> controls;
    NetlinkRequest request((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETCHAIN, 0);
    request.extra<nfgenmsg>().nfgen_family = NFPROTO_NETDEV;
    const auto done = nftables.dump(
        request, "cannot list the nftables chains", [&] { controls.clear(); },
        [&](const nlmsghdr &message) { add_chain(message, links, controls); });
    if (!done && done.error().code != EINVAL && done.error().code != EOPNOTSUPP)
        return tl::unexpected(done.error());
    return controls;
}

std::vector<EgressControl> read_egress_tcx(const std::vector<Link> &links) {
    std::vector<EgressControl> controls;
    for (const auto &link : links) {
        bpf_attr query{};
        query.query.target_fd = link.index; // the kernel's target_ifindex
        query.query.attach_type = tcx_egress;
        const long failed = ::syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof query);
        if (failed && errno != ENODEV) // gone meanwhile; any other reason is that of all interfaces
            break;
        if (!failed && query.query.prog_cnt)
            controls.push_back({link.index, EgressControl::Type::filter, "tcx"});
    }
    return controls;
}

} // namespace glb::network
