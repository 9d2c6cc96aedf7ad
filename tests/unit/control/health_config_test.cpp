#include <catch2/catch.hpp>

#include "controller/control/health_config.h"

using namespace glb;
using namespace glb::config;
using namespace glb::health;
using namespace glb::plan;
using namespace std::chrono_literals;
namespace {

TargetGroup group_of(const std::string &name, const std::vector<std::string> &targets) {
    TargetGroup group;
    group.name = name;
    for (const auto &id : targets) {
        Target target;
        target.id = id;
        target.address = *IpAddress::parse("192.0.2." + std::to_string(group.targets.size() + 1));
        group.targets.push_back(target);
    }
    return group;
}

struct Fixture {
    Manifest manifest;
    IndexAllocator indexes;

    Fixture() {
        manifest.node.tunnel.address = *IpAddress::parse("192.0.2.100");
        manifest.target_groups = {group_of("firewalls", {"a", "b"})};
        REQUIRE(indexes.claim(IndexKind::group, "removed"));
        REQUIRE(indexes.claim(IndexKind::target, "removed/x"));
    }
    HealthCheck &check() { return manifest.target_groups[0].health_check; }
    void add_endpoint(const std::string &name, const std::string &group) {
        Endpoint endpoint;
        endpoint.name = name;
        endpoint.target_group = group;
        manifest.endpoints.push_back(endpoint);
    }
    HealthConfig config() {
        for (const auto &group : manifest.target_groups) {
            REQUIRE(indexes.claim(IndexKind::group, group.name));
            for (const auto &target : group.targets)
                REQUIRE(indexes.claim(IndexKind::target, target_name(group.name, target.id)));
        }
        return control::health_config(manifest, indexes, 7);
    }
    HealthGroup group() { return config().groups.at(0); }
};

} // namespace

TEST_CASE("health config: generation, source, groups, targets and indexes", "[config]") {
    Fixture it;
    it.manifest.target_groups.push_back(group_of("others", {"c"}));
    it.manifest.target_groups[0].targets[1].port = 16081;
    it.manifest.target_groups[0].targets[1].weight = 5;
    it.add_endpoint("branch", "firewalls");
    it.add_endpoint("uplink", "firewalls");
    const auto config = it.config();
    CHECK(config.generation == 7);
    CHECK(config.probe_source == *IpAddress::parse("192.0.2.100"));
    REQUIRE(config.groups.size() == 2);
    CHECK(config.groups[0].name == "firewalls");
    CHECK(config.groups[0].index == it.indexes.find(IndexKind::group, "firewalls"));
    CHECK(config.groups[0].endpoints == std::vector<std::string>{"branch", "uplink"});
    CHECK(config.groups[1].endpoints.empty());
    REQUIRE(config.groups[0].targets.size() == 2);
    const auto &target = config.groups[0].targets[1];
    CHECK(target == HealthTarget{"b", *IpAddress::parse("192.0.2.2"), 16081, 5,
                                 *it.indexes.find(IndexKind::target, "firewalls/b")});
    CHECK(config.groups[1].targets.at(0).index == it.indexes.find(IndexKind::target, "others/c"));
}

TEST_CASE("health config: policies of the group", "[config]") {
    Fixture it;
    auto &group = it.manifest.target_groups[0];
    group.on_unhealthy = FailurePolicy::reset;
    group.on_deregistered = FailurePolicy::hold;
    group.on_all_unhealthy = AllUnhealthyPolicy::bypass;
    group.deregistration_delay = 77s;
    const auto row = it.group();
    CHECK(row.on_unhealthy == FailurePolicy::reset);
    CHECK(row.on_deregistered == FailurePolicy::hold);
    CHECK(row.on_all_unhealthy == AllUnhealthyPolicy::bypass);
    CHECK(row.deregistration_delay == 77s);
}

TEST_CASE("health config: settings of active checks", "[config]") {
    Fixture it;
    it.check() = {};
    it.check().protocol = ProbeProtocol::https;
    it.check().port = 8443;
    it.check().path = "/up";
    it.check().host = "fw.example";
    it.check().ca_file = "/etc/ca.pem";
    it.check().matcher = {{200, 299}, {404, 404}};
    it.check().timeout = 700ms;
    it.check().interval = 1500ms;
    it.check().healthy_threshold = 2;
    it.check().unhealthy_threshold = 5;
    const auto row = it.group();
    ProbeSettings expected;
    expected.protocol = ProbeKind::https;
    expected.port = 8443;
    expected.path = "/up";
    expected.host = "fw.example";
    expected.ca_file = "/etc/ca.pem";
    expected.matcher = *StatusMatcher::parse("200-299,404");
    expected.timeout = 700ms;
    expected.interval = 1500ms;
    expected.healthy_threshold = 2;
    expected.unhealthy_threshold = 5;
    CHECK(row.probe == expected);
    CHECK(row.policy == HealthPolicy{true, 2, 5, it.check().passive.enabled});
    CHECK_FALSE(row.in_band.is_health_check);
}

TEST_CASE("health config: protocol of active checks", "[config]") {
    Fixture it;
    const auto kind_of = [&](ProbeProtocol protocol) {
        it.check().protocol = protocol;
        return it.group().probe.protocol;
    };
    CHECK(kind_of(ProbeProtocol::tcp) == ProbeKind::tcp);
    CHECK(kind_of(ProbeProtocol::http) == ProbeKind::http);
    CHECK(kind_of(ProbeProtocol::https) == ProbeKind::https);
    CHECK(it.group().policy.checks_enabled);
    CHECK(kind_of(ProbeProtocol::none) == ProbeKind::none);
    CHECK_FALSE(it.group().policy.checks_enabled);
    CHECK_FALSE(it.group().in_band.is_health_check);
}

TEST_CASE("health config: GENEVE checks are in-band probes", "[config]") {
    Fixture it;
    it.check().protocol = ProbeProtocol::geneve;
    it.check().in_band.source = *IpAddress::parse("198.51.100.1");
    it.check().in_band.destination = *IpAddress::parse("198.51.100.2");
    it.check().in_band.port = 9;
    it.check().interval = 3000ms;
    it.check().timeout = 200ms;
    const auto row = it.group();
    CHECK(row.probe.protocol == ProbeKind::none);
    CHECK(row.policy.checks_enabled);
    const InBandSettings expected{
        true, {*IpAddress::parse("198.51.100.1"), *IpAddress::parse("198.51.100.2"), 9}, 3000ms, 200ms};
    CHECK(row.in_band == expected);
}

TEST_CASE("health config: settings of the outlier detector", "[config]") {
    Fixture it;
    it.check().passive.enabled = true;
    CHECK(it.group().policy.passive);
    CHECK(it.group().detector == DetectorSettings{});
    it.check().passive.window = 90ms;
    it.check().max_ejected_percent = 33;
    it.manifest.target_groups[0].stickiness = Stickiness::tuple3;
    const DetectorSettings expected{90ms, 33, false};
    CHECK(it.group().detector == expected);
    it.check().passive.enabled = false;
    CHECK_FALSE(it.group().policy.passive);
}
