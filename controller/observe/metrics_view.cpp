// NodeViews: the metrics.
#include "controller/config/enum_strings.h"
#include "controller/observe/node_views.h"
#include "controller/observe/target_view.h"
#include "controller/observe/view_parts.h"
#include "controller/plan/bank_plan.h"
#include "controller/util/log.h"

namespace glb::observe {

namespace {

template <std::size_t N>
std::vector<CountedReason> counted(const ReasonText (&texts)[N],
                                   const Result<std::vector<glb_count>> &counts) {
    std::vector<CountedReason> rows;
    for (std::size_t i = 0; i < N; ++i) {
        const auto count = counts && i < counts->size() ? (*counts)[i] : glb_count{};
        rows.push_back({texts[i].name, count.packets, count.bytes});
    }
    return rows;
}

void add_interfaces(const View &view, MetricsSnapshot &snapshot) {
    const auto &manifest = *view.node->manifest;
    for (const auto &name : plan::interface_names(manifest)) {
        const auto found = view.node->interfaces.find(name);
        snapshot.interfaces.push_back({name, std::string(to_string(manifest.node.xdp_mode)),
                                       found != view.node->interfaces.end() && found->second.attached});
    }
}

void add_endpoints(const View &view, MetricsSnapshot &snapshot) {
    for (const auto &endpoint : view.node->manifest->endpoints) {
        const auto count = endpoint_count(view, endpoint.name);
        snapshot.endpoints.push_back({endpoint.name, count.in.packets, count.in.bytes,
                                      count.forwarded.packets, count.forwarded.bytes,
                                      bypass_reason(view, endpoint).has_value()});
    }
}

} // namespace

MetricsSnapshot NodeViews::metrics() const {
    const View view{sources_.node.load(), sources_.health()};
    const auto &node = *view.node;
    MetricsSnapshot snapshot;
    snapshot.version = sources_.version;
    snapshot.node = node_name(view);
    snapshot.ready = node.not_ready_reason.empty();
    snapshot.uptime_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - sources_.started).count();
    snapshot.loop_lag_seconds = std::chrono::duration<double>(sources_.exchange_max_lag()).count();
    snapshot.netlink_overruns = node.netlink_overruns;
    snapshot.log_dropped = log_dropped();
    const auto flows = flow_stats(view);
    snapshot.flows_active = flows.active;
    snapshot.flows_unconfirmed = flows.of(datapath::FlowState::unconfirmed);
    if (view.counters) {
        snapshot.flows_capacity = node.datapath->capacity();
        if (const auto control = view.counters->control())
            snapshot.epoch = control->epoch;
        snapshot.drops = counted(drop_texts, view.counters->drops());
        snapshot.counters = counted(counter_texts, all_counters(view));
    }
    for (const auto &target : view.health->targets) {
        const auto row = target_row(view, target, flows);
        // ID@ADDRESS for one that drains after its id got another address
        const auto label = target.name.substr(target.group.size() + 1);
        snapshot.targets.push_back({row.target_group, label, row.state, target.target.weight, row.slots,
                                    row.active_flows, row.new_flows, row.packets_out, row.packets_back,
                                    row.bytes_out, row.bytes_back});
    }
    if (node.manifest) {
        add_endpoints(view, snapshot);
        add_interfaces(view, snapshot);
    }
    snapshot.guard_installed = node.guard.installed;
    snapshot.guard_restored = node.guard.restored;
    const auto count = guard_count(node);
    snapshot.guard_uninspected_packets = count.packets;
    snapshot.guard_uninspected_bytes = count.bytes;
    return snapshot;
}

} // namespace glb::observe
