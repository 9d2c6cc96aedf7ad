#include "controller/guard/diagnostics.h"

#include <nlohmann/json.hpp>

#include "controller/guard/saved_state.h"

namespace glb::guard {
namespace {

void check_forwarding(const std::string &key, const char *hint, std::vector<Condition> &conditions) {
    // Not set at all: the kernel or the interface lacks this IP version.
    if (const auto value = read_sysctl(key); value && *value == "0")
        conditions.push_back({Severity::warning, "forwarding-off", key,
                              "forwarding is off: the kernel does not forward these packets",
                              fmt::format("sysctl -w {}=1{}", key, hint)});
}

Condition foreign(std::string what, std::string where, std::string message, std::string fix = {}) {
    return {Severity::warning, std::move(what), std::move(where), std::move(message), std::move(fix)};
}

} // namespace

bool is_own_table(const std::string &family_and_name) {
    return family_and_name == "inet glb" || family_and_name == "bridge glb";
}

std::vector<Condition> table_conditions(const std::string &ruleset_json) {
    const auto json = nlohmann::json::parse(ruleset_json, nullptr, false);
    if (!json.is_object() || !json.contains("nftables") || !json["nftables"].is_array())
        return {};
    std::vector<Condition> conditions;
    for (const auto &item : json["nftables"]) {
        const bool is_flowtable = item.contains("flowtable");
        if (!is_flowtable && !item.contains("chain"))
            continue;
        const auto &row = is_flowtable ? item["flowtable"] : item["chain"];
        const auto table = row.value("family", "") + " " + row.value("table", "");
        const auto name = row.value("name", "");
        if (is_own_table(table))
            continue;
        const auto where =
            fmt::format("{} {} of table {}", is_flowtable ? "flowtable" : "chain", name, table);
        if (is_flowtable)
            conditions.push_back(
                foreign("foreign-flowtable", where, "its packets bypass the guard's forward chain"));
        else if (row.value("type", "") == "nat")
            conditions.push_back(foreign("foreign-nat", where,
                                         "does NAT, but not of packets that the data path forwards itself"));
        else if (row.value("hook", "") == "forward")
            conditions.push_back(
                foreign("foreign-chain", where,
                        "filters forwarded packets, but not those that the data path forwards itself"));
    }
    return conditions;
}

std::vector<Condition> rule_conditions(const std::vector<Rule> &rules) {
    std::vector<Condition> conditions;
    for (const auto &rule : rules) {
        if (rule.is_own())
            continue;
        if (rule.l3mdev)
            conditions.push_back(foreign("vrf", rule.to_string(),
                                         "VRFs are in use: the data path's look-up does not follow them"));
        else if (!rule.iif.empty())
            conditions.push_back(foreign("foreign-rule", rule.to_string(),
                                         "a rule with iif is not applied to inspected packets"));
    }
    return conditions;
}

Condition foreign_filter(const std::string &interface, const Filter &filter) {
    return foreign("foreign-filter", interface,
                   fmt::format("another tc filter runs before the guard's: {} (priority {})", filter.name,
                               filter.priority));
}

std::vector<Condition> tcx_conditions(const std::string &interface, const std::vector<TcxProgram> &programs) {
    std::vector<Condition> conditions;
    for (const auto &program : programs)
        conditions.push_back(
            {Severity::error, "foreign-tcx", fmt::format("{} program {}", interface, program.id),
             fmt::format("a tcx program{} runs before the guard's tc filter: unless it returns TCX_NEXT, "
                         "packets that "
                         "need the host stack are dropped",
                         program.name.empty() ? "" : " (" + program.name + ")"),
             fmt::format("bpftool prog show id {}; attach it to another interface", program.id)});
    return conditions;
}

Condition missing_probe() {
    return foreign(
        "no-probe", "nft_fib_inet",
        "the kernel module is missing: packets of endpoints with a routeTable follow the node's own rules "
        "while the guard's routing rules are missing",
        "modprobe nft_fib_inet, then restart glbd");
}

std::vector<Condition> missing_forwarding(const std::set<std::string> &devices) {
    std::vector<Condition> conditions;
    check_forwarding("net/ipv6/conf/all/forwarding", "", conditions);
    for (const auto &device : devices) {
        check_forwarding("net/ipv4/conf/" + device + "/forwarding", "", conditions);
        check_forwarding("net/ipv6/conf/" + device + "/forwarding",
                         " (and accept_ra=2 beside it where router advertisements are used)", conditions);
    }
    return conditions;
}

} // namespace glb::guard
