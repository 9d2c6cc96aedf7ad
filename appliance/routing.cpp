#include "appliance/routing.h"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

#include "appliance/mark.h"
#include "controller/util/fd.h"
#include "controller/util/files.h"

namespace glb::appliance {
namespace {

constexpr unsigned queue_length = 4096; // packets queued before the kernel drops

bool has_ipv6() {
    return std::filesystem::exists("/proc/sys/net/ipv6");
}

/// Writes /proc/sys/net/KEY unless it has that value: it may be read-only in a container.
Status set_sysctl(const std::string &key, const std::string &value) {
    const auto path = "/proc/sys/net/" + key;
    GLB_ASSIGN(const auto current, read_file(path));
    if (current == value + "\n")
        return {};
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), value.data(), value.size()) < 0)
        return fail_errno(errno, "cannot set {} to {}", path, value);
    return {};
}

Status set_device_sysctls(const std::string &name) {
    const auto v4 = "ipv4/conf/" + name + "/";
    GLB_TRY(set_sysctl(v4 + "forwarding", "1"));
    GLB_TRY(set_sysctl(v4 + "send_redirects", "0"));
    // Strict filtering enabled for all devices is harmless: packets return through the same device.
    GLB_TRY(set_sysctl(v4 + "rp_filter", "0"));
    // Inspected packets may have the appliance's own address as source.
    GLB_TRY(set_sysctl(v4 + "accept_local", "1"));
    if (!has_ipv6())
        return {};
    const auto v6 = "ipv6/conf/" + name + "/";
    GLB_TRY(set_sysctl(v6 + "disable_ipv6", "0"));
    GLB_TRY(set_sysctl(v6 + "accept_ra", "0"));
    // No link-local address: the kernel would send router solicitations and DAD to the endpoint.
    return set_sysctl(v6 + "addr_gen_mode", "1");
}

Status bring_up(Netlink &netlink, const RoutedDevice &device) {
    NetlinkRequest request(RTM_NEWLINK, 0);
    auto &link = request.extra<ifinfomsg>();
    link.ifi_family = AF_UNSPEC;
    link.ifi_index = static_cast<int>(device.ifindex);
    link.ifi_change = IFF_UP;
    link.ifi_flags = IFF_UP;
    request.put(IFLA_MTU, device.mtu);
    request.put(IFLA_TXQLEN, queue_length);
    return netlink.execute(request, "cannot bring the TUN device up");
}

Status add_default_route(Netlink &netlink, const RoutedDevice &device, std::uint8_t family) {
    NetlinkRequest request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
    auto &route = request.extra<rtmsg>();
    route.rtm_family = family;
    route.rtm_table = RT_TABLE_UNSPEC; // 8 bits are too small; see RTA_TABLE
    route.rtm_protocol = route_protocol;
    route.rtm_scope = family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    route.rtm_type = RTN_UNICAST;
    request.put(RTA_TABLE, device.table);
    request.put(RTA_OIF, device.ifindex);
    return netlink.execute(request, "cannot add the TUN device's route");
}

Status add_rules(Netlink &netlink, const RoutedDevice &device, std::uint8_t family) {
    Rule rule;
    rule.family = family;
    rule.priority = rule_priority;
    rule.table = device.table;
    rule.protocol = route_protocol;
    rule.iif = device.name;
    GLB_TRY(add_rule(netlink, rule));
    rule.iif.clear();
    rule.mark = device.table;
    rule.mask = mark_mask;
    return add_rule(netlink, rule);
}

Status configure_device(Netlink &netlink, const RoutedDevice &device) {
    GLB_TRY(set_device_sysctls(device.name));
    GLB_TRY(mark_ingress(device.name, device.ifindex, device.table));
    GLB_TRY(bring_up(netlink, device));
    GLB_TRY(add_default_route(netlink, device, AF_INET));
    GLB_TRY(add_rules(netlink, device, 4));
    if (!has_ipv6())
        return {};
    GLB_TRY(add_default_route(netlink, device, AF_INET6));
    return add_rules(netlink, device, 6);
}

} // namespace

Status prepare_namespace() {
    GLB_TRY(set_sysctl("ipv4/fwmark_reflect", "1"));
    // The effective value is the logical OR of `all` and the device.
    GLB_TRY(set_sysctl("ipv4/conf/all/send_redirects", "0"));
    if (!has_ipv6())
        return {};
    GLB_TRY(set_sysctl("ipv6/fwmark_reflect", "1"));
    return set_sysctl("ipv6/conf/all/forwarding", "1"); // IPv6 has no per-device switch
}

Status route_device(Netlink &netlink, const RoutedDevice &device) {
    auto done = configure_device(netlink, device);
    if (!done)
        (void)remove_rules(netlink, device.table, 1); // the first error is reported
    return done;
}

Status remove_rules(Netlink &netlink, std::uint32_t first, std::size_t count) {
    GLB_ASSIGN(const auto rules, list_rules(netlink));
    for (const auto &rule : rules) {
        if (rule.protocol == route_protocol && rule.table >= first && rule.table - first < count)
            GLB_TRY(remove_rule(netlink, rule));
    }
    return {};
}

} // namespace glb::appliance
