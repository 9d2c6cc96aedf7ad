#include "tests/netns/health/unresponsive.h"

#include <fmt/format.h>

namespace glb::test {

json passive_manifest(const TwoArm &testbed) {
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["healthCheck"]["passive"] = true;
    return manifest;
}

void drop_tunnel_packets(const Appliance &appliance, const std::string &match) {
    appliance.ns().must(
        {"nft", fmt::format("table ip unresponsive {{ chain c {{ type filter hook prerouting priority raw; "
                            "udp dport 6081 {} drop; }}; }}",
                            match)});
}

void stop_dropping(const Appliance &appliance) {
    appliance.ns().must({"nft", "delete", "table", "ip", "unresponsive"});
}

std::size_t busier_of(const TwoArm &testbed, const Daemon &glbd) {
    const auto flows_of = [&](std::size_t i) {
        return glbd.target(testbed.appliances[i]->id()).at("activeFlows").get<std::uint64_t>();
    };
    return flows_of(0) >= flows_of(1) ? 0 : 1;
}

std::string describe_unreturned(const Daemon &glbd) {
    std::string text;
    const auto drops = glbd.must_ctl({"drops"});
    for (const auto &row : drops.at("drops"))
        if (row.at("packets") > 0)
            text += row.dump() + '\n';
    for (const auto &flow : glbd.flows())
        if (flow.at("packetsOut") > flow.at("packetsBack").get<std::uint64_t>() + 5)
            text += flow.dump() + '\n';
    return text;
}

std::string state_of(const Daemon &glbd, const Appliance &appliance) {
    const auto target = glbd.target(appliance.id());
    return target.at("state").get<std::string>() +
           (target.at("reason").is_string() ? " " + target.at("reason").get<std::string>() : "");
}

std::size_t ejections(const Daemon &glbd) {
    const auto log = glbd.log();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log.find("unhealthy: Target.NoReturnTraffic", at)) != log.npos; ++at)
        ++count;
    return count;
}

} // namespace glb::test
