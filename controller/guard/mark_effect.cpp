#include "controller/guard/mark_effect.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_skbedit.h>

namespace glb::guard {
namespace {

constexpr std::uint32_t all_bits = 0xffffffff;

/// The attribute of a filter's options that has its actions.
constexpr std::array<std::pair<std::string_view, std::uint16_t>, 8> action_attributes = {{
    {"matchall", TCA_MATCHALL_ACT},
    {"flower", TCA_FLOWER_ACT},
    {"u32", TCA_U32_ACT},
    {"basic", TCA_BASIC_ACT},
    {"fw", TCA_FW_ACT},
    {"bpf", TCA_BPF_ACT},
    {"route", TCA_ROUTE4_ACT},
    {"flow", TCA_FLOW_ACT},
}};

std::uint32_t bits_of_skbedit(const NetlinkAttributes &options) {
    return options.get(TCA_SKBEDIT_MARK) ? options.u32(TCA_SKBEDIT_MASK, all_bits) : 0;
}

void add_action(const NetlinkAttributes &action, MarkEffect &effect) {
    const auto kind = action.text(TCA_ACT_KIND);
    if (kind == "skbedit")
        effect.bits |= bits_of_skbedit(NetlinkAttributes(action.get(TCA_ACT_OPTIONS)));
    else if (kind == "connmark" || kind == "ctinfo") // the mark of conntrack
        effect.bits = all_bits;
    else if (kind == "bpf" || kind == "ipt" || kind == "xt")
        effect.is_opaque = true;
}

} // namespace

MarkEffect mark_effect_of(const std::string &kind, const nlattr *options) {
    const NetlinkAttributes attributes(options);
    MarkEffect effect{.bits = 0, .is_opaque = kind == "bpf" && attributes.get(TCA_BPF_ID)};
    const auto known = std::ranges::find(action_attributes, kind, [](const auto &row) { return row.first; });
    if (known == action_attributes.end())
        return effect;
    const NetlinkAttributes actions(attributes.get(known->second));
    for (std::uint16_t number = 1; number <= TCA_ACT_MAX_PRIO; ++number)
        if (const auto *action = actions.get(number))
            add_action(NetlinkAttributes(action), effect);
    return effect;
}

} // namespace glb::guard
