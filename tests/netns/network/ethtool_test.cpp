// Offloads of interfaces, compared with what ethtool(8) shows.
#include <catch2/catch.hpp>

#include <cerrno>

#include "controller/network/ethtool.h"
#include "tests/harness/skip.h"
#include "tests/netns/network/kernel.h"

using namespace glb;
using namespace glb::network;
using namespace glb::test;

namespace {

struct Interface {
    Namespace ns{"nt-offload"}, far{"nt-offload-far"};

    Interface() { veth(ns, "eth0", far, "far0"); }

    [[nodiscard]] bool is_on(OffloadFeature feature) const {
        return must(ns.call([&] { return get_offload("eth0", feature); }));
    }
    [[nodiscard]] Status set(OffloadFeature feature, bool on) const {
        return ns.call([&] { return set_offload("eth0", feature, on); });
    }
    /// The state of `feature`, named as ethtool -k prints it.
    [[nodiscard]] bool shown(const std::string &feature) const {
        const auto features = ns.must({"ethtool", "-k", "eth0"});
        const auto at = features.find('\n' + feature + ": ");
        REQUIRE(at != std::string::npos);
        return features.substr(at + feature.size() + 3, 2) == "on";
    }
};

} // namespace

TEST_CASE("offloads: are read and set as ethtool shows them") {
    need_root();
    const Interface it;
    const auto [feature, name] = GENERATE(std::pair(OffloadFeature::gro, "generic-receive-offload"),
                                          std::pair(OffloadFeature::rx_vlan, "rx-vlan-offload"));
    INFO(name);
    CHECK(it.is_on(feature) == it.shown(name));
    for (const bool on : {true, false, true}) {
        REQUIRE(it.set(feature, on));
        CHECK(it.shown(name) == on);
        CHECK(it.is_on(feature) == on);
    }
}

TEST_CASE("offloads: setting one leaves the others") {
    need_root();
    const Interface it;
    REQUIRE(it.set(OffloadFeature::rx_vlan, true));
    REQUIRE(it.set(OffloadFeature::gro, true));
    REQUIRE(it.set(OffloadFeature::rx_vlan, false));
    CHECK(it.shown("generic-receive-offload"));
    REQUIRE(it.set(OffloadFeature::rx_vlan, true));
    REQUIRE(it.set(OffloadFeature::gro, false));
    CHECK(it.shown("rx-vlan-offload"));
}

TEST_CASE("offloads: one that the driver does not have stays off and cannot be turned on") {
    need_root();
    const Interface it; // veth has no LRO
    CHECK_FALSE(it.is_on(OffloadFeature::lro));
    CHECK_FALSE(it.set(OffloadFeature::lro, true));
    CHECK_FALSE(it.is_on(OffloadFeature::lro));
}

TEST_CASE("offloads: an interface that does not exist is ENODEV") {
    for (const std::string name : {"absent0", "a-name-that-is-too-long"}) {
        const auto read = get_offload(name, OffloadFeature::gro);
        REQUIRE_FALSE(read);
        CHECK(read.error().code == ENODEV);
        const auto set = set_offload(name, OffloadFeature::gro, true);
        REQUIRE_FALSE(set);
        CHECK(set.error().code == ENODEV);
        CHECK_THAT(set.error().message, Catch::Contains(name));
    }
}
