#include "controller/config/parser.h"

#include "controller/config/field_readers.h"
#include "controller/config/semantic_checks.h"
#include "controller/util/endpoint_id.h"
#include "controller/util/numbers.h"

namespace glb::config {

namespace {

constexpr std::uint64_t max_u32 = 0xffffffff;
constexpr std::uint64_t max_u64 = ~std::uint64_t{0};

void read_tunnel(const JsonValue &json, Tunnel &out) {
    ObjectReader members(json);
    members.required("interface", interface_name(out.interface.name));
    members.optional("vlan", [&](const JsonValue &member) { read_vlans(member, out.interface.vlans); });
    members.required("address", host_address_v4(out.address));
    members.optional("address6", host_address_v6(out.address6));
    members.optional("senderMac", choice(out.sender_mac));
    members.reject_unknown();
}

void read_flow_table(const JsonValue &json, Node &out) {
    ObjectReader members(json);
    members.optional("capacity", uint_field(out.flow_table_capacity, 4096, 16777216));
    members.reject_unknown();
}

void read_own_prefix(const JsonValue &json, IpPrefix &out) {
    // With /0 every destination would be local, and all traffic would pass uninspected.
    const auto parse = [](std::string_view text) {
        const auto prefix = IpPrefix::parse(text);
        return prefix && prefix->length > 0 ? prefix : std::nullopt;
    };
    parsed(out, parse,
           "must be an address or a prefix like 192.0.2.0/24, without host bits and not /0")(json);
}

std::optional<std::vector<std::uint8_t>> parse_seed(std::string_view text) {
    if (text.size() < 16 || text.size() > 64)
        return std::nullopt;
    return parse_hex_bytes(text.size() % 2 == 0 ? std::string(text) : fmt::format("0{}", text));
}

void read_node(const JsonValue &json, Node &out) {
    ObjectReader members(json);
    members.optional("name", name(out.name));
    members.required("tunnel", [&](const JsonValue &member) { read_tunnel(member, out.tunnel); });
    members.optional("ownAddresses", list(out.own_addresses, "prefixes", read_own_prefix));
    members.optional("markMask", number_or_hex(out.mark_mask, max_u32));
    members.optional("flowTable", [&](const JsonValue &member) { read_flow_table(member, out); });
    members.optional("hashSeed", parsed(out.hash_seed, parse_seed, "must be 16 to 64 hex digits"));
    members.optional("xdp", choice(out.xdp));
    members.optional("xdpMode", choice(out.xdp_mode));
    members.reject_unknown();
}

void read_endpoint_id(const JsonValue &json, Endpoint &out) {
    const auto parse = [](std::string_view text) {
        const auto id = parse_endpoint_id(text);
        return id && *id != 0 ? id : std::nullopt; // an appliance that drops the option returns 0
    };
    parsed(out.id, parse,
           "must be \"0x\" and 1 to 16 hex digits, or \"vpce-0\" and 16 of them, and not 0")(json);
    if (json.value.is_string())
        out.id_text = json.value.get<std::string>();
}

void read_mss_clamp(const JsonValue &json, MssClamp &out) {
    if (json.value == "auto") {
        out = {};
    } else if (json.value == "off") {
        out = {MssClamp::Kind::off, 0};
    } else if (json.value.is_number()) {
        out.kind = MssClamp::Kind::fixed;
        uint_field(out.bytes, 536, 8960)(json);
    } else {
        json.add_error("must be \"auto\", \"off\", or a whole number from 536 to 8960");
    }
}

void read_interfaces(const JsonValue &json, std::vector<InterfaceRef> &out) {
    list(out, "interfaces", read_interface)(json);
    if (json.value.is_array() && json.value.empty())
        json.add_error("must have at least one interface");
}

void read_endpoint(const JsonValue &json, Endpoint &out) {
    ObjectReader members(json);
    members.required("name", name(out.name));
    members.required("id", [&](const JsonValue &member) { read_endpoint_id(member, out); });
    members.optional("attachmentId", number_or_hex(out.attachment_id, max_u64));
    members.optional("mode", choice(out.mode));
    members.required("interfaces", [&](const JsonValue &member) { read_interfaces(member, out.interfaces); });
    members.optional("routeTable", uint_field(out.route_table, 1, max_u32));
    members.required("targetGroup", name(out.target_group));
    members.optional("whenDetached", choice(out.when_detached));
    members.optional("mssClamp",
                     [&](const JsonValue &member) { read_mss_clamp(member, out.mss_clamp.emplace()); });
    members.optional("tooBigWithoutDf", choice(out.too_big_without_df));
    members.optional("nonIp", choice(out.non_ip));
    members.optional("linkState", choice(out.link_state));
    members.optional("newFlowsPerSourcePerSecond",
                     uint_field(out.new_flows_per_source_per_second, 0, 1000000));
    members.reject_unknown();
}

void read_manifest(const JsonValue &json, Manifest &out) {
    ObjectReader members(json);
    members.required("version", uint_field(out.version, 1, 1));
    members.required("node", [&](const JsonValue &member) { read_node(member, out.node); });
    members.optional("endpoints", list(out.endpoints, "endpoints", read_endpoint));
    members.optional("targetGroups", list(out.target_groups, "target groups", read_target_group));
    members.optional("flowLog",
                     [&](const JsonValue &member) { read_flow_log(member, out.flow_log.emplace()); });
    members.reject_unknown();
}

} // namespace

std::string error_line(std::string_view file, std::string_view pointer, std::string_view message) {
    return fmt::format("{}: {}: {}", file, pointer.empty() ? "/" : pointer, message);
}

UncheckedManifest parse_unchecked(std::string_view text) {
    auto document = read_document(text);
    UncheckedManifest result{{}, std::move(document.errors)};
    if (document.root) {
        read_manifest(JsonValue{*document.root, "", result.errors}, result.manifest);
        check_manifest(result.manifest, result.errors);
    }
    return result;
}

Result<Manifest, std::vector<ManifestError>> parse_manifest(std::string_view text) {
    auto [manifest, errors] = parse_unchecked(text);
    if (!errors.empty())
        return tl::unexpected(std::move(errors));
    return std::move(manifest);
}

} // namespace glb::config
