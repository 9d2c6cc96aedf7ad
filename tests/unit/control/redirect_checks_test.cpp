#include "tests/unit/config/sample.h"

#include "controller/control/redirect_checks.h"

using namespace glb;
using namespace glb::control;
using namespace glb::test;
using network::EgressControl;
using network::XfrmPolicy;

namespace {

/// under0, cli0, srv0 of the sample, cli0.7 on cli0, and eth9, which the manifest does not name.
network::Snapshot forwarding_machine() {
    network::Snapshot snapshot;
    unsigned index = 1;
    for (const auto *name : {"under0", "cli0", "srv0", "cli0.7", "eth9"}) {
        network::Link link;
        link.index = ++index;
        link.name = name;
        link.mtu = 1500;
        link.up = link.running = true;
        snapshot.links.push_back(link);
    }
    auto &vlan = snapshot.links[3];
    vlan.kind = "vlan", vlan.lower = 3, vlan.vlan_id = 7, vlan.vlan_protocol = 0x8100;
    snapshot.addresses = {{2, *IpAddress::parse("10.1.0.1"), 24}};
    return snapshot;
}

std::vector<std::string> texts_of(const network::Snapshot &snapshot) {
    std::vector<std::string> texts;
    for (const auto &condition : bypassed_by_redirects(manifest_of(sample()), snapshot)) {
        CHECK(condition.severity == Severity::warning);
        CHECK_FALSE(condition.fix.empty());
        texts.push_back(condition.what + " " + condition.where + ": " + condition.message);
    }
    return texts;
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("redirect checks: a machine without policies, limits and filters has no conditions", "[config]") {
    CHECK(texts_of(forwarding_machine()) == Texts{});
}

TEST_CASE("redirect checks: limits and egress filters of the interfaces that forward are warnings",
          "[config]") {
    auto snapshot = forwarding_machine();
    snapshot.egress_controls = {
        {3, EgressControl::Type::qdisc, "htb"},  {3, EgressControl::Type::qdisc, "tbf"},
        {5, EgressControl::Type::qdisc, "hfsc"}, {6, EgressControl::Type::qdisc, "tbf"},
        {2, EgressControl::Type::filter, "bpf"}, {99, EgressControl::Type::qdisc, "tbf"}};
    CHECK(texts_of(snapshot) ==
          Texts{"egress-qdisc cli0: queueing discipline at egress (htb, tbf) does not apply to packets that "
                "glb forwards",
                "egress-qdisc cli0.7: queueing discipline at egress (hfsc) does not apply to packets that "
                "glb forwards",
                "egress-filter under0: filter at egress (bpf) does not apply to packets that glb forwards"});
}

TEST_CASE("redirect checks: an IPsec policy of forwarded packets is a warning that names it", "[config]") {
    auto snapshot = forwarding_machine();
    XfrmPolicy policy;
    policy.direction = XfrmPolicy::Direction::out;
    policy.source = *IpPrefix::parse("10.1.0.1");
    policy.destination = *IpPrefix::parse("203.0.113.0/24");
    policy.blocks = true;
    snapshot.xfrm_policies = {policy};
    CHECK(texts_of(snapshot) == Texts{}); // of this machine's own packets
    policy.source = *IpPrefix::parse("192.0.2.0/24");
    snapshot.xfrm_policies.push_back(policy);
    const auto texts = texts_of(snapshot);
    REQUIRE(texts.size() == 1);
    CHECK_THAT(texts[0],
               Catch::StartsWith("ipsec-policy : IPsec policy \"src 192.0.2.0/24 dst 203.0.113.0/24 dir out "
                                 "action block\" may apply"));
}

TEST_CASE("redirect checks: an IPsec policy of the tunnel's packets is a warning", "[config]") {
    auto snapshot = forwarding_machine();
    XfrmPolicy policy;
    policy.direction = XfrmPolicy::Direction::out;
    policy.source = *IpPrefix::parse("10.1.0.1");
    policy.destination = *IpPrefix::parse("10.1.0.12");
    policy.has_templates = true;
    const auto texts_with = [&] {
        snapshot.xfrm_policies = {policy};
        return texts_of(snapshot);
    };
    REQUIRE(texts_with().size() == 1);
    CHECK(texts_with()[0] == "ipsec-policy-of-tunnel firewalls/fw-2: IPsec policy \"src 10.1.0.1/32 dst "
                             "10.1.0.12/32 dir out\" does not apply to tunnel packets: they leave in clear");
    policy.destination = *IpPrefix::parse("10.1.0.200"); // no target
    CHECK(texts_with() == Texts{});
    policy.destination = *IpPrefix::parse("10.1.0.0/24");
    policy.direction = XfrmPolicy::Direction::forward;
    policy.destination = *IpPrefix::parse("10.1.0.1"); // of received packets
    CHECK(texts_with() == Texts{});
}
