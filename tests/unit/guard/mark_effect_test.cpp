#include <catch2/catch.hpp>

#include <functional>

#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_skbedit.h>

#include "controller/guard/mark_effect.h"

using namespace glb;
using namespace glb::guard;

namespace {

using Write = std::function<void(NetlinkRequest &)>;

Write nest(std::uint16_t attribute, const std::vector<Write> &parts) {
    return [=](NetlinkRequest &request) {
        auto *begin = mnl_attr_nest_start(request.header(), attribute);
        for (const auto &part : parts)
            part(request);
        mnl_attr_nest_end(request.header(), begin);
    };
}
Write number(std::uint16_t attribute, std::uint32_t value) {
    return [=](NetlinkRequest &request) { request.put(attribute, value); };
}
Write action(std::uint16_t order, const std::string &kind, const std::vector<Write> &options = {}) {
    return nest(order, {[=](NetlinkRequest &request) { request.put(TCA_ACT_KIND, kind); },
                        nest(TCA_ACT_OPTIONS, options)});
}

/// Of a filter of this kind with these options, as the kernel lists it.
MarkEffect effect(const std::string &kind, const std::vector<Write> &options) {
    NetlinkRequest request(RTM_NEWTFILTER, 0);
    request.extra<tcmsg>();
    nest(TCA_OPTIONS, options)(request);
    return mark_effect_of(kind, NetlinkAttributes(*request.header(), sizeof(tcmsg)).get(TCA_OPTIONS));
}

constexpr MarkEffect none{}, all{.bits = 0xffffffff, .is_opaque = false},
    opaque{.bits = 0, .is_opaque = true};

} // namespace

TEST_CASE("mark effect: the bits that skbedit changes are those of its mask, for each kind of filter") {
    const std::vector<std::pair<const char *, std::uint16_t>> kinds = {
        {"matchall", TCA_MATCHALL_ACT}, {"flower", TCA_FLOWER_ACT}, {"u32", TCA_U32_ACT},
        {"basic", TCA_BASIC_ACT},       {"fw", TCA_FW_ACT},         {"route", TCA_ROUTE4_ACT},
        {"flow", TCA_FLOW_ACT},         {"bpf", TCA_BPF_ACT}};
    for (const auto &[kind, attribute] : kinds) {
        INFO(kind);
        const auto mark = number(TCA_SKBEDIT_MARK, 0x30000), mask = number(TCA_SKBEDIT_MASK, 0xf0000);
        const auto with = [&](const std::vector<Write> &options) {
            return effect(kind, {nest(attribute, {action(1, "mirred"), action(2, "skbedit", options)})});
        };
        CHECK(with({mark, mask}) == MarkEffect{.bits = 0xf0000, .is_opaque = false});
        CHECK(with({mark}) == all);
        CHECK(with({number(TCA_SKBEDIT_PRIORITY, 3)}) == none);
    }
}

TEST_CASE("mark effect: actions that copy conntrack's mark change all bits, and programs are opaque") {
    CHECK(effect("u32", {nest(TCA_U32_ACT, {action(1, "connmark")})}) == all);
    CHECK(effect("u32", {nest(TCA_U32_ACT, {action(1, "ctinfo")})}) == all);
    CHECK(effect("u32", {nest(TCA_U32_ACT, {action(1, "gact"), action(2, "bpf")})}) == opaque);
    CHECK(effect("u32", {nest(TCA_U32_ACT, {action(1, "xt")})}) == opaque);
    CHECK(effect("bpf", {number(TCA_BPF_ID, 7)}) == opaque);
    CHECK(effect("bpf", {}) == none); // classic BPF cannot write
    CHECK(effect("unknown", {nest(1, {action(1, "skbedit", {number(TCA_SKBEDIT_MARK, 1)})})}) == none);
    CHECK(mark_effect_of("u32", nullptr) == none);
}
