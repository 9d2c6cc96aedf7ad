#include "controller/guard/diagnostics.h"

#include <nlohmann/json.hpp>

#include "controller/guard/saved_state.h"

namespace glb::guard {
namespace {

void check_forwarding(const std::string &key, const char *hint, std::vector<std::string> &lines) {
    // Not set at all: the kernel or the interface lacks this IP version.
    if (const auto value = read_sysctl(key); value && *value == "0")
        lines.push_back(fmt::format(
            "{} is 0, so the kernel does not forward these packets; fix: sysctl -w {}=1{}", key, key, hint));
}

} // namespace

std::vector<std::string> table_warnings(const std::string &ruleset_json) {
    const auto json = nlohmann::json::parse(ruleset_json, nullptr, false);
    if (!json.is_object() || !json.contains("nftables") || !json["nftables"].is_array())
        return {};
    std::vector<std::string> warnings;
    for (const auto &item : json["nftables"]) {
        const bool is_flowtable = item.contains("flowtable");
        if (!is_flowtable && !item.contains("chain"))
            continue;
        const auto &row = is_flowtable ? item["flowtable"] : item["chain"];
        const auto table = row.value("family", "") + " " + row.value("table", "");
        const auto name = row.value("name", "");
        if (table == "inet glb")
            continue;
        if (is_flowtable)
            warnings.push_back(fmt::format(
                "flowtable {} of table {}: its packets bypass the guard's forward chain", name, table));
        else if (row.value("type", "") == "nat")
            warnings.push_back(
                fmt::format("chain {} of table {} does NAT: packets that the data path forwards "
                            "itself are not translated",
                            name, table));
        else if (row.value("hook", "") == "forward")
            warnings.push_back(
                fmt::format("chain {} of table {} filters forwarded packets: it does not see those "
                            "that the data path forwards itself",
                            name, table));
    }
    return warnings;
}

std::vector<std::string> rule_warnings(const std::vector<Rule> &rules) {
    std::vector<std::string> warnings;
    for (const auto &rule : rules) {
        if (rule.is_own())
            continue;
        if (rule.l3mdev)
            warnings.push_back("VRFs are in use: the data path's look-up does not follow them (" +
                               rule.to_string() + ")");
        else if (!rule.iif.empty())
            warnings.push_back("an ip rule with iif is not applied to inspected packets: " +
                               rule.to_string());
    }
    return warnings;
}

std::vector<std::string> missing_forwarding(const std::set<std::string> &devices) {
    std::vector<std::string> lines;
    check_forwarding("net/ipv6/conf/all/forwarding", "", lines);
    for (const auto &device : devices) {
        check_forwarding("net/ipv4/conf/" + device + "/forwarding", "", lines);
        check_forwarding("net/ipv6/conf/" + device + "/forwarding",
                         " (and accept_ra=2 beside it where router advertisements are used)", lines);
    }
    return lines;
}

} // namespace glb::guard
