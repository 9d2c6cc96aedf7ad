#include "controller/observe/target_view.h"

#include "controller/util/monotonic_time.h"

namespace glb::observe {

namespace {

std::optional<std::string> text_if_any(std::string_view text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

} // namespace

documents::Target target_row(const View &view, const health::TargetSnapshot &target, const FlowStats &flows) {
    const auto index = target.target.index;
    const auto count =
        view.counters ? view.counters->target_count(index).value_or(glb_target_count{}) : glb_target_count{};
    const auto slots = view.node->maglev_slots.find(index);
    documents::Target row;
    row.target_group = target.group;
    row.id = target.target.id;
    row.address = target.target.address.to_string();
    row.port = target.target.port;
    row.weight = target.target.weight;
    row.state = to_string(target.state);
    row.reason = text_if_any(to_string(target.reason));
    row.description = text_if_any(target.description);
    row.since_seconds = elapsed_seconds(std::chrono::steady_clock::now() - target.since);
    row.last_error = text_if_any(target.last_error);
    if (target.last_error_at)
        row.last_error_seconds_ago =
            elapsed_seconds(std::chrono::steady_clock::now() - *target.last_error_at);
    row.local_errors = target.local_errors;
    if (target.silence) {
        row.silent_seconds = elapsed_seconds(std::chrono::steady_clock::now() - target.silence->since);
        row.silent_packets = target.silence->packets;
    }
    row.drained_by_operator = target.operator_drain_until.has_value();
    row.active_flows = index < flows.by_target.size() ? flows.by_target[index] : 0;
    row.new_flows = count.new_flows;
    row.packets_out = count.outbound.packets;
    row.packets_back = count.returned.packets;
    row.bytes_out = count.outbound.bytes;
    row.bytes_back = count.returned.bytes;
    row.slots = slots == view.node->maglev_slots.end() || target.drain_until ? 0 : slots->second;
    return row;
}

} // namespace glb::observe
