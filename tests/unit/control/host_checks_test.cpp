#include "tests/unit/config/sample.h"

#include <filesystem>
#include <unistd.h>

#include "controller/control/host_checks.h"
#include "controller/util/descriptor_limit.h"
#include "controller/util/files.h"

using namespace glb;
using namespace glb::control;
using namespace glb::test;
using nlohmann::json;

namespace {

/// under0 (10.1.0.1, MTU 1568), cli0, srv0, eth1 with eth1.100 on it, br0 over eth2, and the loopback.
network::Snapshot machine() {
    network::Snapshot snapshot;
    const auto add = [&](unsigned index, const char *name, const char *kind = "") -> network::Link & {
        network::Link link;
        link.index = index;
        link.name = name;
        link.kind = kind;
        link.mtu = 1500;
        link.up = link.running = true;
        snapshot.links.push_back(link);
        return snapshot.links.back();
    };
    add(1, "lo").mtu = 65536;
    add(2, "under0").mtu = 1568;
    add(3, "cli0");
    add(4, "srv0");
    add(5, "eth1");
    auto &vlan = add(6, "eth1.100", "vlan");
    vlan.lower = 5, vlan.vlan_id = 100, vlan.vlan_protocol = 0x8100;
    add(7, "br0", "bridge");
    add(8, "eth2").master = 7;
    snapshot.addresses = {{1, *IpAddress::parse("127.0.0.1"), 8}, {2, *IpAddress::parse("10.1.0.1"), 24}};
    return snapshot;
}

network::Link &link(network::Snapshot &snapshot, std::string_view name) {
    return *std::find_if(snapshot.links.begin(), snapshot.links.end(),
                         [&](const network::Link &it) { return it.name == name; });
}

using Errors = std::vector<config::ManifestError>;

/// One error, at `pointer`, whose message contains `text`.
void has_one(const Errors &list, const std::string &pointer, const std::string &text) {
    for (const auto &error : list)
        UNSCOPED_INFO(error);
    REQUIRE(list.size() == 1);
    CHECK(list[0].pointer == pointer);
    CHECK_THAT(list[0].message, Catch::Contains(text));
}

/// One warning, at `where`, whose text contains `text`.
void has_one(const std::vector<Condition> &list, const std::string &where, const std::string &text) {
    for (const auto &condition : list)
        UNSCOPED_INFO(to_string(condition));
    REQUIRE(list.size() == 1);
    CHECK(list[0].where == where);
    CHECK_THAT(to_string(list[0]), Catch::Contains(text));
}

} // namespace

TEST_CASE("host checks: a manifest that fits the host has no findings", "[config]") {
    const auto findings = check_host(manifest_of(sample()), machine());
    CHECK(findings.errors == Errors{});
    CHECK(findings.warnings.empty());
}

TEST_CASE("host checks: a missing interface is an error with a suggestion", "[config]") {
    const auto endpoint = check_host(manifest_of(with("/endpoints/0/interfaces/0", "cil0")), machine());
    has_one(endpoint.errors, "/endpoints/0/interfaces/0",
            "no interface \"cil0\" on this machine; did you mean \"cli0\"?");
    const auto tunnel = check_host(manifest_of(with("/node/tunnel/interface", "wg-office-17")), machine());
    has_one(tunnel.errors, "/node/tunnel/interface", "no interface \"wg-office-17\" on this machine");
    CHECK_THAT(tunnel.errors[0].message, !Catch::Contains("mean"));
    has_one(check_host(manifest_of(with("/endpoints/0/interfaces/0", "lo")), machine()).errors,
            "/endpoints/0/interfaces/0", "loopback");
}

TEST_CASE("host checks: devices without a driver are errors in native mode, with an alternative",
          "[config]") {
    const auto vlan = with("/endpoints/0/interfaces/0", "eth1.100");
    has_one(check_host(manifest_of(vlan), machine()).errors, "/endpoints/0/interfaces/0", "eth1 vlan 100");
    const auto bridge = with("/endpoints/0/interfaces/0", "br0");
    has_one(check_host(manifest_of(bridge), machine()).errors, "/endpoints/0/interfaces/0",
            "use the underlying interface: eth2");
    CHECK(check_host(manifest_of(with("/node/xdpMode", "generic", vlan)), machine()).errors == Errors{});
}

TEST_CASE("host checks: a bond, its members and what is on it are errors in every mode, with an alternative",
          "[config]") {
    auto snapshot = machine();
    const auto *kind = GENERATE("bond", "team");
    network::Link bond = link(snapshot, "eth1");
    bond.index = 9, bond.name = "bond0", bond.kind = kind;
    snapshot.links.push_back(bond);
    link(snapshot, "eth1").master = link(snapshot, "srv0").master = 9;
    network::Link vlan = link(snapshot, "eth1.100");
    vlan.index = 10, vlan.name = "bond0.5", vlan.vlan_id = 5, vlan.lower = 9;
    snapshot.links.push_back(vlan);
    const auto what = fmt::format("{}, which is not supported; ", kind);
    const auto check = [&](const char *place, const std::string &interface, const std::string &text) {
        for (const char *mode : {"native", "generic"}) {
            auto document = with("/endpoints/0/interfaces", {"cli0"}, with("/node/xdpMode", mode));
            document["endpoints"].erase(1); // on eth1
            document[json::json_pointer(place)] = interface;
            has_one(check_host(manifest_of(document), snapshot).errors, place, text);
        }
    };
    for (const char *place : {"/endpoints/0/interfaces/0", "/node/tunnel/interface"}) {
        check(place, "bond0",
              "bond0 is a " + what +
                  "take a member (srv0, eth1) out of it and use that: ip link set srv0 nomaster");
        check(place, "eth1",
              "eth1 is a member of bond0, a " + what +
                  "take a member (srv0, eth1) out of it and use that: ip link set eth1 nomaster");
        check(place, "bond0.5", "bond0.5 is on bond0, a " + what);
    }
    link(snapshot, "eth1").master = link(snapshot, "srv0").master = 0;
    check("/endpoints/0/interfaces/0", "bond0", "use an interface of its own");
    CHECK(check_host(manifest_of(with("/endpoints/0/interfaces/0", "eth1")), snapshot).errors == Errors{});
}

TEST_CASE("host checks: a missing or misplaced tunnel address is a warning", "[config]") {
    auto snapshot = machine();
    snapshot.addresses.pop_back();
    const auto absent = check_host(manifest_of(sample()), snapshot);
    CHECK(absent.errors.empty());
    has_one(absent.warnings, "/node/tunnel/address", "10.1.0.1 is not an address of this machine");
    snapshot.addresses.push_back({3, *IpAddress::parse("10.1.0.1"), 24});
    has_one(check_host(manifest_of(sample()), snapshot).warnings, "/node/tunnel/address",
            "is on cli0, not on the tunnel interface under0");
}

TEST_CASE("host checks: an MTU too small for the tunnel is a warning with its fix", "[config]") {
    auto snapshot = machine();
    link(snapshot, "cli0").mtu = 1501;
    has_one(check_host(manifest_of(sample()), snapshot).warnings, "/endpoints/0/interfaces/0",
            "fix: ip link set under0 mtu 1569");
    snapshot = machine();
    link(snapshot, "eth1.100").mtu = 1400; // the VLAN's own MTU counts
    link(snapshot, "eth1").mtu = 9000;
    CHECK(check_host(manifest_of(sample()), snapshot).warnings.empty());
    const auto one_arm = with("/endpoints/0/interfaces", {"under0"});
    has_one(check_host(manifest_of(one_arm), machine()).warnings, "/endpoints/0/interfaces/0",
            "lower the MTU of the hosts and routers on this link to 1500");
}

TEST_CASE("host checks: a link that is down and a local target address are warnings", "[config]") {
    auto snapshot = machine();
    link(snapshot, "srv0").up = false;
    has_one(check_host(manifest_of(sample()), snapshot).warnings, "/endpoints/0/interfaces/1",
            "fix: ip link set srv0 up");
    snapshot = machine();
    snapshot.addresses.push_back({3, *IpAddress::parse("10.1.0.12"), 24});
    has_one(check_host(manifest_of(sample()), snapshot).warnings, "/targetGroups/0/targets/1/address",
            "address of this machine");
}

TEST_CASE("host checks: health checks that do not fit into the limit of open files are an error",
          "[config]") {
    const auto manifest = manifest_of(sample());
    std::uint64_t targets = 0;
    for (const auto &group : manifest.target_groups)
        targets += group.targets.size();
    const auto needed = base_descriptors + targets;
    CHECK(check_descriptors(manifest, needed) == Errors{});
    const auto errors = check_descriptors(manifest, needed - 1);
    has_one(errors, "/targetGroups", fmt::format("set LimitNOFILE={} in the service", needed));
}

TEST_CASE("host checks: a caFile that HTTPS checks cannot use is a warning", "[config]") {
    const auto folder =
        std::filesystem::temp_directory_path() / fmt::format("glb-host-checks-{}", ::getpid());
    std::filesystem::create_directories(folder);
    const auto file = (folder / "ca.pem").string();
    auto document = with("/targetGroups/0/healthCheck", {{"protocol", "HTTPS"}, {"caFile", file}});
    const auto warnings = [&] { return check_host(manifest_of(document), machine()).warnings; };
    const std::string at = "/targetGroups/0/healthCheck/caFile";
    has_one(warnings(), at, "cannot open " + file + ": No such file");
    REQUIRE(write_file_atomically(file, "no certificate\n"));
    has_one(warnings(), at, "contains no PEM certificate");
    REQUIRE(write_file_atomically(file, "-----BEGIN CERTIFICATE-----\n"));
    CHECK(warnings().empty());
    document["targetGroups"][0]["healthCheck"]["caFile"] = folder.string();
    has_one(warnings(), at, "is not a regular file");
    document["targetGroups"][0]["healthCheck"]["protocol"] = "HTTP"; // does not use the file
    CHECK(warnings().empty());
    std::filesystem::remove_all(folder);
}
