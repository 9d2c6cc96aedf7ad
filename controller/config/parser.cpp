#include "controller/config/parser.h"

#include "controller/config/field_readers.h"
#include "controller/config/semantic_checks.h"

namespace glb {

namespace {

constexpr std::uint64_t max_u32 = 0xffffffff;
constexpr std::uint64_t max_u64 = ~std::uint64_t{0};

void read_tunnel(const JsonValue &place, Tunnel &out) {
    ObjectReader members(place);
    members.required("interface", interface_name(out.interface.name));
    members.optional("vlan", [&](const JsonValue &at) { read_vlans(at, out.interface.vlans); });
    members.required("address", host_address_v4(out.address));
    members.optional("address6", host_address_v6(out.address6));
    members.optional("senderMac", choice(out.sender_mac));
    members.refuse_unknown();
}

void read_flow_table(const JsonValue &place, Node &out) {
    ObjectReader members(place);
    members.optional("capacity", uint_field(out.flow_table_capacity, 4096, 16777216));
    members.refuse_unknown();
}

void read_own_prefix(const JsonValue &place, IpPrefix &out) {
    // The whole of IPv4 as the node's own would let everything through uninspected.
    const auto parse = [](std::string_view text) {
        const auto prefix = IpPrefix::parse(text);
        return prefix && prefix->length > 0 ? prefix : std::nullopt;
    };
    parsed(out, parse,
           "must be an address or a prefix like 192.0.2.0/24, without host bits and not /0")(place);
}

std::optional<std::vector<std::uint8_t>> parse_seed(std::string_view text) {
    if (text.size() < 16 || text.size() > 64)
        return std::nullopt;
    return parse_hex_bytes(text.size() % 2 == 0 ? std::string(text) : fmt::format("0{}", text));
}

void read_node(const JsonValue &place, Node &out) {
    ObjectReader members(place);
    members.optional("name", name(out.name));
    members.required("tunnel", [&](const JsonValue &at) { read_tunnel(at, out.tunnel); });
    members.optional("ownAddresses", list(out.own_addresses, "prefixes", read_own_prefix));
    members.optional("markMask", number_or_hex(out.mark_mask, max_u32));
    members.optional("flowTable", [&](const JsonValue &at) { read_flow_table(at, out); });
    members.optional("hashSeed", parsed(out.hash_seed, parse_seed, "must be 16 to 64 hex digits"));
    members.optional("xdp", choice(out.xdp));
    members.optional("xdpMode", choice(out.xdp_mode));
    members.refuse_unknown();
}

void read_endpoint_id(const JsonValue &place, Endpoint &out) {
    const auto parse = [](std::string_view text) {
        const auto id = parse_endpoint_id(text);
        return id && *id != 0 ? id : std::nullopt; // 0 is what an appliance answers with that lost the option
    };
    parsed(out.id, parse,
           "must be \"0x\" and 1 to 16 hex digits, or \"vpce-0\" and 16 of them, and not 0")(place);
    if (place.value.is_string())
        out.id_text = place.value.get<std::string>();
}

void read_mss_clamp(const JsonValue &place, MssClamp &out) {
    if (place.value == "auto") {
        out = {};
    } else if (place.value == "off") {
        out = {MssClamp::Kind::off, 0};
    } else if (place.value.is_number()) {
        out.kind = MssClamp::Kind::fixed;
        uint_field(out.bytes, 536, 8960)(place);
    } else {
        place.add_error("must be \"auto\", \"off\", or a whole number from 536 to 8960");
    }
}

void read_interfaces(const JsonValue &place, std::vector<InterfaceRef> &out) {
    list(out, "interfaces", read_interface)(place);
    if (place.value.is_array() && place.value.empty())
        place.add_error("must have at least one interface");
}

void read_endpoint(const JsonValue &place, Endpoint &out) {
    ObjectReader members(place);
    members.required("name", name(out.name));
    members.required("id", [&](const JsonValue &at) { read_endpoint_id(at, out); });
    members.optional("attachmentId", number_or_hex(out.attachment_id, max_u64));
    members.optional("mode", choice(out.mode));
    members.required("interfaces", [&](const JsonValue &at) { read_interfaces(at, out.interfaces); });
    members.optional("routeTable", uint_field(out.route_table, 1, max_u32));
    members.required("targetGroup", name(out.target_group));
    members.optional("whenDetached", choice(out.when_detached));
    members.optional("mssClamp", [&](const JsonValue &at) { read_mss_clamp(at, out.mss_clamp.emplace()); });
    members.optional("tooBigWithoutDf", choice(out.too_big_without_df));
    members.optional("nonIp", choice(out.non_ip));
    members.optional("linkState", choice(out.link_state));
    members.optional("newFlowsPerSourcePerSecond",
                     uint_field(out.new_flows_per_source_per_second, 0, 1000000));
    members.refuse_unknown();
}

void read_manifest(const JsonValue &place, Manifest &out) {
    ObjectReader members(place);
    members.required("version", uint_field(out.version, 1, 1));
    members.required("node", [&](const JsonValue &at) { read_node(at, out.node); });
    members.optional("endpoints", list(out.endpoints, "endpoints", read_endpoint));
    members.optional("targetGroups", list(out.target_groups, "target groups", read_target_group));
    members.optional("flowLog", [&](const JsonValue &at) { read_flow_log(at, out.flow_log.emplace()); });
    members.refuse_unknown();
}

} // namespace

std::string error_line(std::string_view file, std::string_view pointer, std::string_view message) {
    return fmt::format("{}: {}: {}", file, pointer.empty() ? "/" : pointer, message);
}

UncheckedManifest parse_unchecked(std::string_view text) {
    auto document = read_document(text);
    UncheckedManifest draft{{}, std::move(document.errors)};
    if (document.root) {
        read_manifest(JsonValue{*document.root, "", draft.errors}, draft.manifest);
        check_manifest(draft.manifest, draft.errors);
    }
    return draft;
}

Result<Manifest, std::vector<ManifestError>> parse_manifest(std::string_view text) {
    auto [manifest, errors] = parse_unchecked(text);
    if (!errors.empty())
        return tl::unexpected(std::move(errors));
    return std::move(manifest);
}

} // namespace glb
