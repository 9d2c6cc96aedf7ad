#include "lib/netlink/rules.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace glb {
namespace {

std::uint8_t to_kernel_action(RuleAction action) {
    switch (action) {
    case RuleAction::blackhole:
        return FR_ACT_BLACKHOLE;
    case RuleAction::unreachable:
        return FR_ACT_UNREACHABLE;
    case RuleAction::lookup:
    case RuleAction::other:
        break;
    }
    return FR_ACT_TO_TBL;
}

RuleAction from_kernel_action(std::uint8_t kernel) {
    switch (kernel) {
    case FR_ACT_TO_TBL:
        return RuleAction::lookup;
    case FR_ACT_BLACKHOLE:
        return RuleAction::blackhole;
    case FR_ACT_UNREACHABLE:
        return RuleAction::unreachable;
    default:
        return RuleAction::other;
    }
}

NetlinkRequest rule_request(std::uint16_t message_type, std::uint16_t flags, const Rule &rule) {
    NetlinkRequest request(message_type, flags);
    auto &header = request.extra<fib_rule_hdr>();
    header.family = rule.family == 6 ? AF_INET6 : AF_INET;
    header.action = to_kernel_action(rule.action);
    header.table = RT_TABLE_UNSPEC;
    request.put(FRA_PRIORITY, rule.priority);
    if (rule.mask) {
        request.put(FRA_FWMARK, rule.mark);
        request.put(FRA_FWMASK, rule.mask);
    }
    if (!rule.iif.empty())
        request.put(FRA_IIFNAME, rule.iif);
    if (rule.action == RuleAction::lookup)
        request.put(FRA_TABLE, rule.table);
    request.put8(FRA_PROTOCOL, rule.protocol);
    return request;
}

Rule read_rule(const nlmsghdr &message) {
    const auto &header = *static_cast<const fib_rule_hdr *>(mnl_nlmsg_get_payload(&message));
    const NetlinkAttributes attributes(message, sizeof(fib_rule_hdr));
    Rule rule;
    rule.family = header.family == AF_INET6 ? 6 : 4;
    rule.priority = attributes.u32(FRA_PRIORITY);
    rule.mark = attributes.u32(FRA_FWMARK);
    rule.mask = attributes.u32(FRA_FWMASK);
    rule.iif = attributes.text(FRA_IIFNAME);
    rule.action = from_kernel_action(header.action);
    rule.table = rule.action == RuleAction::lookup ? attributes.u32(FRA_TABLE, header.table) : 0;
    const auto *protocol = attributes.get(FRA_PROTOCOL);
    rule.protocol = protocol ? mnl_attr_get_u8(protocol) : std::uint8_t{RTPROT_UNSPEC};
    const auto *l3mdev = attributes.get(FRA_L3MDEV);
    rule.l3mdev = l3mdev && mnl_attr_get_u8(l3mdev);
    return rule;
}

} // namespace

bool Rule::is_own() const {
    return protocol == own_rule_protocol && priority >= first_own_priority && priority <= last_own_priority;
}

std::string Rule::to_string() const {
    std::string text = fmt::format("{}ip rule {}:", family == 6 ? "IPv6 " : "", priority);
    if (!iif.empty())
        text += " iif " + iif;
    if (mask)
        text += fmt::format(" fwmark {:#x}/{:#x}", mark, mask);
    switch (action) {
    case RuleAction::lookup:
        return text + fmt::format(" lookup {}", table);
    case RuleAction::blackhole:
        return text + " blackhole";
    case RuleAction::unreachable:
        return text + " unreachable";
    case RuleAction::other:
        break;
    }
    return text + " (other action)";
}

Result<std::vector<Rule>> list_rules(Netlink &netlink) {
    std::vector<Rule> rules;
    for (const auto family : {AF_INET, AF_INET6}) {
        std::vector<Rule> family_rules;
        NetlinkRequest request(RTM_GETRULE, 0);
        request.extra<fib_rule_hdr>().family = static_cast<std::uint8_t>(family);
        GLB_TRY(netlink.dump(
            request, "cannot list the routing rules", [&] { family_rules.clear(); },
            [&](const nlmsghdr &message) {
                if (message.nlmsg_type == RTM_NEWRULE)
                    family_rules.push_back(read_rule(message));
            }));
        rules.insert(rules.end(), family_rules.begin(), family_rules.end());
    }
    return rules;
}

Status add_rule(Netlink &netlink, const Rule &rule) {
    auto request = rule_request(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
    auto done = netlink.execute(request, "cannot add a routing rule");
    if (!done && done.error().code == EEXIST)
        return {};
    return done;
}

Status remove_rule(Netlink &netlink, const Rule &rule) {
    auto request = rule_request(RTM_DELRULE, 0, rule);
    auto done = netlink.execute(request, "cannot remove a routing rule");
    if (!done && done.error().code == ENOENT)
        return {};
    return done;
}

} // namespace glb
