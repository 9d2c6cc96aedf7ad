#include "controller/observe/metrics_renderer.h"

#include <array>
#include <initializer_list>
#include <sstream>
#include <string_view>
#include <utility>

#include <prometheus/text_serializer.h>

namespace glb::observe {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

/// The families in the order in which they are written.
class Families {
  public:
    /// Begins a family; the values that follow are its.
    Families &family(std::string name, std::string help, MetricType type) {
        families_.push_back({std::move(name), std::move(help), type, {}});
        return *this;
    }
    Families &counter(std::string name, std::string help) {
        return family(std::move(name), std::move(help), MetricType::Counter);
    }
    Families &gauge(std::string name, std::string help) {
        return family(std::move(name), std::move(help), MetricType::Gauge);
    }
    template <typename Number>
    void value(Number number, Labels labels = {}) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = static_cast<double>(number); // of the two, the serializer reads the type's
        metric.gauge.value = static_cast<double>(number);
        families_.back().metric.push_back(std::move(metric));
    }
    [[nodiscard]] std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

  private:
    std::vector<MetricFamily> families_;
};

/// One family from one member of each element.
template <typename Element, typename Number, typename LabelsOf>
void each(Families &families, const std::vector<Element> &elements, Number Element::*member,
          LabelsOf labels_of) {
    for (const auto &element : elements)
        families.value(element.*member, labels_of(element));
}

void add_node(Families &out, const MetricsSnapshot &now) {
    out.gauge("glb_build_info", "Version of the running daemon; the value is always 1.")
        .value(1, {{"version", now.version}, {"node", now.node}});
    out.gauge("glb_ready", "1 if the data path is attached and configured.").value(now.ready);
    out.gauge("glb_uptime_seconds", "Seconds since the daemon started.").value(now.uptime_seconds);
    out.gauge("glb_epoch", "Epoch of the active configuration.").value(now.epoch);
    out.gauge("glb_loop_lag_seconds", "Longest delay of the health loop since the last scrape.")
        .value(now.loop_lag_seconds);
    out.counter("glb_netlink_overruns_total",
                "Losses of netlink notifications, each followed by a full read.")
        .value(now.netlink_overruns);
    out.counter("glb_log_dropped_total",
                "Log lines that were dropped because standard error was blocked, closed or on a full disk.")
        .value(now.log_dropped);
    out.gauge("glb_interface_attached", "1 where the program is attached to the interface.");
    for (const auto &interface : now.interfaces)
        out.value(interface.attached, {{"interface", interface.name}, {"mode", interface.mode}});
}

void add_reasons(Families &out, const MetricsSnapshot &now) {
    const auto reason = [](const CountedReason &row) { return Labels{{"reason", row.name}}; };
    const auto counter = [](const CountedReason &row) { return Labels{{"counter", row.name}}; };
    out.counter("glb_dropped_packets_total", "Packets that were not forwarded, by reason.");
    each(out, now.drops, &CountedReason::packets, reason);
    out.counter("glb_dropped_bytes_total", "Bytes that were not forwarded, by reason.");
    each(out, now.drops, &CountedReason::bytes, reason);
    out.counter("glb_datapath_packets_total", "Packets counted by the data path, by counter.");
    each(out, now.counters, &CountedReason::packets, counter);
    out.counter("glb_datapath_bytes_total", "Bytes counted by the data path, by counter.");
    each(out, now.counters, &CountedReason::bytes, counter);
}

void add_endpoints(Families &out, const MetricsSnapshot &now) {
    const auto labels = [](const EndpointMetrics &row) { return Labels{{"endpoint", row.name}}; };
    const auto add = [&](std::string name, std::string help, std::uint64_t EndpointMetrics::*member) {
        each(out.counter(std::move(name), std::move(help)), now.endpoints, member, labels);
    };
    add("glb_endpoint_received_packets_total", "Packets received on the endpoint's interfaces.",
        &EndpointMetrics::packets_in);
    add("glb_endpoint_received_bytes_total", "Bytes received on the endpoint's interfaces.",
        &EndpointMetrics::bytes_in);
    add("glb_endpoint_forwarded_packets_total",
        "Packets of the endpoint that were forwarded, inspected or bypassed.",
        &EndpointMetrics::packets_forwarded);
    add("glb_endpoint_forwarded_bytes_total",
        "Bytes of the endpoint that were forwarded, inspected or bypassed.",
        &EndpointMetrics::bytes_forwarded);
    out.gauge("glb_endpoint_bypassed", "1 if the endpoint's packets are forwarded uninspected.");
    each(out, now.endpoints, &EndpointMetrics::bypassed, labels);
}

/// One series for each state, of which one is 1: so a state can be summed and its changes counted.
void add_target_states(Families &out, const MetricsSnapshot &now) {
    static constexpr std::array<std::string_view, 6> states{"initial",  "healthy", "unhealthy",
                                                            "draining", "unused",  "unavailable"};
    out.gauge("glb_target_state", "1 for the state in which the target is, 0 for the others.");
    for (const auto &target : now.targets)
        for (const auto state : states)
            out.value(target.state == state,
                      {{"target_group", target.group}, {"target", target.id}, {"state", std::string(state)}});
}

void add_targets(Families &out, const MetricsSnapshot &now) {
    const auto labels = [](const TargetMetrics &row) {
        return Labels{{"target_group", row.group}, {"target", row.id}};
    };
    const auto add = [&](MetricType type, std::string name, std::string help, auto member) {
        each(out.family(std::move(name), std::move(help), type), now.targets, member, labels);
    };
    add_target_states(out, now);
    add(MetricType::Gauge, "glb_target_weight", "Weight of the target.", &TargetMetrics::weight);
    add(MetricType::Gauge, "glb_target_slots", "Slots of the group's Maglev table that are the target's.",
        &TargetMetrics::slots);
    add(MetricType::Gauge, "glb_target_flows", "Flows of the target in the flow table.",
        &TargetMetrics::active_flows);
    add(MetricType::Counter, "glb_target_new_flows_total", "Flows that were steered to the target.",
        &TargetMetrics::new_flows);
    add(MetricType::Counter, "glb_target_sent_packets_total", "Packets sent to the target.",
        &TargetMetrics::packets_out);
    add(MetricType::Counter, "glb_target_sent_bytes_total", "Bytes sent to the target.",
        &TargetMetrics::bytes_out);
    add(MetricType::Counter, "glb_target_returned_packets_total", "Packets that the target sent back.",
        &TargetMetrics::packets_back);
    add(MetricType::Counter, "glb_target_returned_bytes_total", "Bytes that the target sent back.",
        &TargetMetrics::bytes_back);
}

void add_flows_and_guard(Families &out, const MetricsSnapshot &now) {
    out.gauge("glb_flows", "Flows in the flow table.").value(now.flows_active);
    out.gauge("glb_flows_unconfirmed",
              "Flows that are not established: packets of both directions have not returned yet.")
        .value(now.flows_unconfirmed);
    out.gauge("glb_flow_table_entries", "Entries that the flow table has room for.")
        .value(now.flows_capacity);
    out.gauge("glb_guard_installed", "1 if the guard is installed completely.").value(now.guard_installed);
    out.counter("glb_guard_restored_total", "Parts of the guard that were missing and were restored.")
        .value(now.guard_restored);
    out.counter("glb_guard_uninspected_packets_total", "Packets that the guard blocked.")
        .value(now.guard_uninspected_packets);
    out.counter("glb_guard_uninspected_bytes_total", "Bytes that the guard blocked.")
        .value(now.guard_uninspected_bytes);
}

/// OpenMetrics names a counter's family without the "_total" that its samples have, and marks the end;
/// samples, labels and the other families are the same in both. Only counters end in "_total" here.
std::string as_openmetrics(const std::string &text) {
    std::istringstream lines(text);
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# ")) // # HELP name …, # TYPE name …
            if (const auto end = line.find(' ', 7);
                end != std::string::npos && line.substr(0, end).ends_with("_total"))
                line.erase(end - 6, 6);
        out += line + '\n';
    }
    return out + "# EOF\n";
}

} // namespace

std::string render_metrics(const MetricsSnapshot &snapshot, MetricsFormat format) {
    Families families;
    add_node(families, snapshot);
    add_reasons(families, snapshot);
    add_endpoints(families, snapshot);
    add_targets(families, snapshot);
    add_flows_and_guard(families, snapshot);
    return format == MetricsFormat::openmetrics ? as_openmetrics(families.text()) : families.text();
}

} // namespace glb::observe
