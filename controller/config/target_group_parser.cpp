// Parses target groups, their health checks, and the flow log.
#include <algorithm>

#include "controller/config/field_readers.h"

namespace glb::config {

namespace {

using namespace std::chrono_literals;

// Path and host are part of the request head, where blanks and line breaks are delimiters (RFC 9112, sections
// 3 and 5).
bool is_request_path(std::string_view text) {
    return text.starts_with('/') && text.size() <= 1024 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~' && c != '#'; });
}

bool is_host(std::string_view text) {
    constexpr std::string_view forbidden = "/?#@\\\"<>^`{|}";
    return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [&](char c) {
        return c > ' ' && c <= '~' && forbidden.find(c) == std::string_view::npos;
    });
}

void read_in_band(const JsonValue &json, InBandProbe &out) {
    ObjectReader members(json);
    members.optional("source", host_address(out.source));
    members.optional("destination", host_address(out.destination));
    members.optional("port", port_number(out.port));
    members.reject_unknown();
}

void read_passive(const JsonValue &json, PassiveCheck &out) {
    if (json.value.is_boolean()) {
        out.enabled = json.value.get<bool>();
    } else if (json.value.is_object()) {
        out.enabled = true;
        ObjectReader members(json);
        members.required("windowMilliseconds", [&](const JsonValue &member) {
            if (const auto window = read_uint(member, 20, 60000))
                out.window = std::chrono::milliseconds(*window);
        });
        members.reject_unknown();
    } else {
        json.add_error("must be false, true, or {\"windowMilliseconds\": 20 to 60000}");
    }
}

void read_target(const JsonValue &json, Target &out) {
    ObjectReader members(json);
    members.required("id", name(out.id));
    members.required("address", host_address(out.address));
    members.optional("port", port_number(out.port));
    members.optional("weight", uint_field(out.weight, 0, 1000));
    members.optional("udpChecksum", choice(out.udp_checksum));
    members.reject_unknown();
}

void read_idle_timeout(const JsonValue &json, TargetGroup &out) {
    ObjectReader members(json);
    members.optional("tcpSeconds", whole_seconds(out.idle_tcp, 60, 6000));
    members.optional("otherSeconds", whole_seconds(out.idle_other, 10, 6000));
    members.reject_unknown();
}

void read_on_target_failure(const JsonValue &json, TargetGroup &out) {
    ObjectReader members(json);
    members.optional("unhealthy", choice(out.on_unhealthy));
    members.optional("deregistered", choice(out.on_deregistered));
    members.reject_unknown();
}

void read_collector(const JsonValue &json, IpfixCollector &out) {
    ObjectReader members(json);
    members.required("address", host_address(out.address));
    members.optional("port", port_number(out.port));
    members.reject_unknown();
}

} // namespace

void read_health_check(const JsonValue &json, HealthCheck &out) {
    ObjectReader members(json);
    members.optional("protocol", choice(out.protocol));
    if (out.protocol == ProbeProtocol::https)
        out.port = 443;
    members.optional("port", port_number(out.port));
    members.optional("path",
                     text(out.path, is_request_path,
                          "must be a path: \"/\" and up to 1023 printable characters without blanks and #"));
    members.optional("host", text(out.host, is_host, "must be a host name or address, as in a Host header"));
    members.optional("matcher",
                     parsed(out.matcher, parse_matcher,
                            "must be status codes and ranges from 200 to 599, like \"200-299,301\""));
    members.optional("caFile", file_path(out.ca_file));
    members.optional("timeoutSeconds", seconds(out.timeout, 50ms, 120s));
    members.optional("intervalSeconds", seconds(out.interval, 100ms, 300s));
    members.optional("healthyThreshold", uint_field(out.healthy_threshold, 1, 10));
    members.optional("unhealthyThreshold", uint_field(out.unhealthy_threshold, 1, 10));
    members.optional("inBand", [&](const JsonValue &member) { read_in_band(member, out.in_band); });
    members.optional("passive", [&](const JsonValue &member) { read_passive(member, out.passive); });
    members.optional("maxEjectedPercent", uint_field(out.max_ejected_percent, 1, 100));
    members.reject_unknown();
}

void read_target_group(const JsonValue &json, TargetGroup &out) {
    ObjectReader members(json);
    members.required("name", name(out.name));
    members.optional("stickiness", choice(out.stickiness));
    members.optional("idleTimeout", [&](const JsonValue &member) { read_idle_timeout(member, out); });
    members.optional("deregistrationDelaySeconds", whole_seconds(out.deregistration_delay, 0, 3600));
    members.optional("onTargetFailure",
                     [&](const JsonValue &member) { read_on_target_failure(member, out); });
    members.optional("onAllUnhealthy", choice(out.on_all_unhealthy));
    members.optional("cookie", choice(out.cookie));
    members.optional("dialect", choice(out.dialect));
    members.optional("egress", choice(out.egress));
    members.optional("healthCheck",
                     [&](const JsonValue &member) { read_health_check(member, out.health_check); });
    members.optional("targets", list(out.targets, "targets", read_target));
    members.reject_unknown();
}

void read_flow_log(const JsonValue &json, FlowLog &out) {
    ObjectReader members(json);
    members.optional("file", file_path(out.file));
    members.optional("maxBytes", uint_field(out.max_bytes, 65536, max_exact));
    members.optional("keep", uint_field(out.keep, 1, 1000));
    members.optional("intervalSeconds", whole_seconds(out.interval, 1, 3600));
    members.optional("ipfix", [&](const JsonValue &member) { read_collector(member, out.ipfix.emplace()); });
    members.reject_unknown();
}

} // namespace glb::config
