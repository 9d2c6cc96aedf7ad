#include "tests/netns/health/silence.h"

#include <fmt/format.h>

namespace glb::test {

json passive_manifest(const TwoArm &world) {
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["healthCheck"]["passive"] = true;
    return manifest;
}

void fall_silent(const Appliance &appliance, const std::string &match) {
    appliance.ns().must({"nft", fmt::format("table ip silence {{ chain c {{ type filter hook prerouting priority raw; "
                                            "udp dport 6081 {} drop; }}; }}",
                                            match)});
}

void speak_again(const Appliance &appliance) {
    appliance.ns().must({"nft", "delete", "table", "ip", "silence"});
}

std::string state_of(const Daemon &glbd, const Appliance &appliance) {
    const auto target = glbd.target(appliance.id());
    return target.at("state").get<std::string>() +
           (target.at("reason").is_string() ? " " + target.at("reason").get<std::string>() : "");
}

std::size_t alarms(const Daemon &glbd) {
    const auto log = glbd.log();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log.find("unhealthy: Target.NoReturnTraffic", at)) != log.npos; ++at)
        ++count;
    return count;
}

} // namespace glb::test
