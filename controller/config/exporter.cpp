#include "controller/config/exporter.h"

#include <fmt/format.h>

#include "controller/config/enum_strings.h"
#include "controller/config/formats.h"
#include "controller/util/numbers.h"

namespace glb::config {

namespace {

using nlohmann::ordered_json;

ordered_json export_seconds(std::chrono::milliseconds duration) {
    const auto count = duration.count();
    return count % 1000 == 0 ? ordered_json(count / 1000) : ordered_json(static_cast<double>(count) / 1000);
}

ordered_json export_vlan(const InterfaceRef &interface) {
    return interface.vlans.size() == 1 ? ordered_json(interface.vlans.front())
                                       : ordered_json(interface.vlans);
}

ordered_json export_interface(const InterfaceRef &interface) {
    if (interface.vlans.empty())
        return interface.name;
    return {{"name", interface.name}, {"vlan", export_vlan(interface)}};
}

ordered_json export_mss_clamp(const MssClamp &clamp) {
    switch (clamp.kind) {
    case MssClamp::Kind::automatic:
        return "auto";
    case MssClamp::Kind::off:
        return "off";
    case MssClamp::Kind::fixed:
        break;
    }
    return clamp.bytes;
}

ordered_json export_passive(const PassiveCheck &passive) {
    if (passive.enabled && passive.window)
        return {{"windowMilliseconds", passive.window->count()}};
    return passive.enabled;
}

ordered_json export_health_check(const HealthCheck &check) {
    ordered_json out = {{"protocol", to_string(check.protocol)}, {"port", check.port}, {"path", check.path}};
    if (!check.host.empty())
        out["host"] = check.host;
    out["matcher"] = format_matcher(check.matcher);
    if (!check.ca_file.empty())
        out["caFile"] = check.ca_file;
    out["timeoutSeconds"] = export_seconds(check.timeout);
    out["intervalSeconds"] = export_seconds(check.interval);
    out["healthyThreshold"] = check.healthy_threshold;
    out["unhealthyThreshold"] = check.unhealthy_threshold;
    out["inBand"] = {{"source", check.in_band.source.to_string()},
                     {"destination", check.in_band.destination.to_string()},
                     {"port", check.in_band.port}};
    out["passive"] = export_passive(check.passive);
    out["maxEjectedPercent"] = check.max_ejected_percent;
    return out;
}

ordered_json export_tunnel(const Tunnel &tunnel) {
    ordered_json out = {{"interface", tunnel.interface.name}};
    if (!tunnel.interface.vlans.empty())
        out["vlan"] = export_vlan(tunnel.interface);
    out["address"] = tunnel.address.to_string();
    if (tunnel.address6)
        out["address6"] = tunnel.address6->to_string();
    out["senderMac"] = to_string(tunnel.sender_mac);
    return out;
}

} // namespace

ordered_json export_node(const Node &node) {
    ordered_json out = ordered_json::object();
    if (!node.name.empty())
        out["name"] = node.name;
    out["tunnel"] = export_tunnel(node.tunnel);
    out["ownAddresses"] = ordered_json::array();
    for (const auto &prefix : node.own_addresses)
        out["ownAddresses"].push_back(prefix.to_string());
    out["markMask"] = fmt::format("0x{:08x}", node.mark_mask);
    out["flowTable"] = {{"capacity", node.flow_table_capacity}};
    if (node.hash_seed)
        out["hashSeed"] = format_hex_bytes(*node.hash_seed);
    out["xdp"] = to_string(node.xdp);
    out["xdpMode"] = to_string(node.xdp_mode);
    return out;
}

ordered_json export_endpoint(const Endpoint &endpoint) {
    ordered_json interfaces = ordered_json::array();
    for (const auto &interface : endpoint.interfaces)
        interfaces.push_back(export_interface(interface));
    ordered_json out = {
        {"name", endpoint.name},
        {"id", endpoint.id_text},
        {"attachmentId", fmt::format("{:#x}", endpoint.attachment_id)},
        {"mode", to_string(endpoint.mode)},
        {"interfaces", std::move(interfaces)},
        {"routeTable", endpoint.route_table},
        {"targetGroup", endpoint.target_group},
        {"whenDetached", to_string(endpoint.when_detached)},
    };
    if (endpoint.mss_clamp)
        out["mssClamp"] = export_mss_clamp(*endpoint.mss_clamp);
    out["tooBigWithoutDf"] = to_string(endpoint.too_big_without_df);
    out["nonIp"] = to_string(endpoint.non_ip);
    out["linkState"] = to_string(endpoint.link_state);
    out["newFlowsPerSourcePerSecond"] = endpoint.new_flows_per_source_per_second;
    return out;
}

ordered_json export_target_group(const TargetGroup &group) {
    return {
        {"name", group.name},
        {"stickiness", to_string(group.stickiness)},
        {"idleTimeout", {{"tcpSeconds", group.idle_tcp.count()}, {"otherSeconds", group.idle_other.count()}}},
        {"deregistrationDelaySeconds", group.deregistration_delay.count()},
        {"onTargetFailure",
         {{"unhealthy", to_string(group.on_unhealthy)}, {"deregistered", to_string(group.on_deregistered)}}},
        {"onAllUnhealthy", to_string(group.on_all_unhealthy)},
        {"cookie", to_string(group.cookie)},
        {"dialect", to_string(group.dialect)},
        {"egress", to_string(group.egress)},
        {"healthCheck", export_health_check(group.health_check)},
    };
}

ordered_json export_target(const Target &target) {
    return {
        {"id", target.id},         {"address", target.address.to_string()},         {"port", target.port},
        {"weight", target.weight}, {"udpChecksum", to_string(target.udp_checksum)},
    };
}

ordered_json export_flow_log(const FlowLog &log) {
    ordered_json out = ordered_json::object();
    if (!log.file.empty())
        out["file"] = log.file;
    out["maxBytes"] = log.max_bytes;
    out["keep"] = log.keep;
    out["intervalSeconds"] = log.interval.count();
    if (log.ipfix)
        out["ipfix"] = {{"address", log.ipfix->address.to_string()}, {"port", log.ipfix->port}};
    return out;
}

ordered_json export_manifest(const Manifest &manifest) {
    ordered_json out = {{"version", manifest.version}, {"node", export_node(manifest.node)}};
    out["endpoints"] = ordered_json::array();
    for (const auto &endpoint : manifest.endpoints)
        out["endpoints"].push_back(export_endpoint(endpoint));
    out["targetGroups"] = ordered_json::array();
    for (const auto &group : manifest.target_groups) {
        auto exported = export_target_group(group);
        exported["targets"] = ordered_json::array();
        for (const auto &target : group.targets)
            exported["targets"].push_back(export_target(target));
        out["targetGroups"].push_back(std::move(exported));
    }
    if (manifest.flow_log)
        out["flowLog"] = export_flow_log(*manifest.flow_log);
    return out;
}

} // namespace glb::config
