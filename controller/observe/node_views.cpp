#include "controller/observe/node_views.h"

#include <algorithm>

#include "controller/config/enum_strings.h"
#include "controller/config/exporter.h"
#include "controller/config/formats.h"
#include "controller/config/parser.h"
#include "controller/observe/conditions.h"
#include "controller/observe/flow_timeouts.h"
#include "controller/observe/target_view.h"
#include "controller/observe/view_parts.h"
#include "controller/plan/bank_plan.h"
#include "controller/plan/maglev_generations.h"
#include "controller/state/history.h"
#include "controller/util/monotonic_time.h"

namespace glb::observe {

namespace {

using Clock = std::chrono::steady_clock;
template <std::size_t N>
std::vector<documents::Counter> counter_rows(const ReasonText (&texts)[N],
                                             const std::vector<glb_count> &counts) {
    std::vector<documents::Counter> rows;
    for (std::size_t i = 0; i < N; ++i) {
        const auto count = i < counts.size() ? counts[i] : glb_count{};
        rows.push_back({texts[i].name, count.packets, count.bytes, texts[i].meaning, {}});
        if (*texts[i].fix != '\0')
            rows.back().fix = texts[i].fix;
    }
    return rows;
}

FlowNames flow_names(const plan::IndexAllocator &indexes) {
    FlowNames names;
    names.endpoints.resize(GLB_MAX_ENDPOINTS);
    for (std::uint16_t i = 0; i < GLB_MAX_ENDPOINTS; ++i)
        names.endpoints[i] = indexes.name_of(plan::IndexKind::endpoint, i);
    names.targets.resize(GLB_MAX_TARGETS);
    for (std::uint16_t i = 0; i < GLB_MAX_TARGETS; ++i) {
        const auto name = indexes.name_of(plan::IndexKind::target, i);
        if (const auto slash = name.find('/'); slash != std::string::npos)
            names.targets[i] = {name.substr(0, slash), name.substr(slash + 1)};
    }
    return names;
}

std::vector<documents::Degradation> degradations(const std::vector<HeldCondition> &conditions) {
    std::vector<documents::Degradation> rows;
    for (const auto &[condition, since] : conditions)
        rows.push_back({std::string(to_string(condition.severity)), condition.what, condition.where,
                        condition.message, condition.fix, elapsed_seconds(Clock::now() - since)});
    return rows;
}

documents::InterfaceStatus interface_status(const NodeSnapshot &node, const std::string &name) {
    const auto found = node.interfaces.find(name);
    const auto row = found == node.interfaces.end() ? InterfaceSnapshot{} : found->second;
    return {name, std::string(to_string(node.manifest->node.xdp_mode)), row.attached,
            row.exists && row.has_punt_path, false};
}

documents::Endpoint endpoint_row(const View &view, const config::Endpoint &endpoint) {
    documents::Endpoint row;
    row.name = endpoint.name;
    row.id = endpoint.id_text;
    row.mode = to_string(endpoint.mode);
    row.target_group = endpoint.target_group;
    for (const auto &interface : endpoint.interfaces) {
        const auto found = view.node->interfaces.find(interface.name);
        const bool exists = found != view.node->interfaces.end() && found->second.exists;
        row.interfaces.push_back({interface.name,
                                  {interface.vlans},
                                  exists ? std::optional<std::uint32_t>(found->second.mtu) : std::nullopt});
    }
    const auto count = endpoint_count(view, endpoint.name);
    row.packets_in = count.in.packets;
    row.bytes_in = count.in.bytes;
    row.packets_forwarded = count.forwarded.packets;
    row.bytes_forwarded = count.forwarded.bytes;
    row.bypass_reason = bypass_reason(view, endpoint);
    row.bypassed = row.bypass_reason.has_value();
    if (const auto bypass = view.node->bypasses.find(endpoint.name);
        bypass != view.node->bypasses.end() && bypass->second)
        row.bypass_seconds_left = seconds_until(*bypass->second, Clock::now());
    return row;
}

} // namespace

/// With what the kernel has counted since the guard's last check.
plan::PacketCount NodeViews::guard_count(const NodeSnapshot &node) const {
    const auto &counted = node.guard.counted;
    if (!node.guard.installed)
        return counted;
    const auto read = sources_.guard_count();
    return read && *read ? counted + plan::growth(node.guard.counter, **read) : counted;
}

std::vector<HeldCondition> NodeViews::conditions() const {
    return node_conditions(*sources_.node.load(), *sources_.health());
}

Result<documents::NodeStatus> NodeViews::status() const {
    const View view{sources_.node.load(), sources_.health()};
    const auto &node = *view.node;
    documents::NodeStatus status;
    if (view.counters) {
        GLB_ASSIGN(const auto control, view.counters->control());
        GLB_ASSIGN(const auto counts, view.counters->counters());
        status.epoch = control.epoch;
        status.flows.untracked = counts[GLB_COUNT_UNTRACKED].packets;
        status.flows.capacity = node.datapath->capacity();
    }
    status.ready = node.not_ready_reason.empty();
    if (!status.ready)
        status.not_ready_reason = node.not_ready_reason;
    status.degraded = degradations(node_conditions(node, *view.health));
    status.node = node_name(view);
    status.version = sources_.version;
    status.uptime_seconds = elapsed_seconds(Clock::now() - sources_.started);
    if (!node.counters_since.empty())
        status.counters_since = node.counters_since;
    status.guard = {node.guard.installed, guard_count(node).packets, node.guard.restored,
                    node.guard.warnings};
    if (node.manifest) {
        for (const auto &endpoint : node.manifest->endpoints)
            if (bypass_reason(view, endpoint))
                status.bypassed.push_back(endpoint.name);
        for (const auto &name : plan::interface_names(*node.manifest))
            status.interfaces.push_back(interface_status(node, name));
    }
    const auto flows = flow_stats(view);
    status.flows.active = flows.active;
    status.flows.unconfirmed = flows.of(datapath::FlowState::unconfirmed);
    for (const auto &target : view.health->targets)
        status.targets.add(to_string(target.state));
    if (node.confirm_until)
        status.confirmation = {seconds_until(*node.confirm_until, Clock::now())};
    return status;
}

Result<documents::TargetList> NodeViews::targets(const std::optional<std::string> &group) const {
    const View view{sources_.node.load(), sources_.health()};
    const auto &manifest = view.node->manifest;
    if (group && (!manifest ||
                  std::ranges::none_of(manifest->target_groups,
                                       [&](const config::TargetGroup &row) { return row.name == *group; })))
        return tl::unexpected(
            Error{fmt::format("there is no target group {}; see glbctl targets", *group), ENOENT});
    const auto flows = flow_stats(view);
    documents::TargetList list;
    for (const auto &target : view.health->targets)
        if (!group || target.group == *group)
            list.targets.push_back(target_row(view, target, flows));
    return list;
}

Result<documents::EndpointList> NodeViews::endpoints() const {
    const View view{sources_.node.load(), sources_.health()};
    documents::EndpointList list;
    if (view.node->manifest)
        for (const auto &endpoint : view.node->manifest->endpoints)
            list.endpoints.push_back(endpoint_row(view, endpoint));
    return list;
}

Result<ChunkSource> NodeViews::flows(const FlowQuery &query) const {
    const View view{sources_.node.load(), sources_.health()};
    const auto &node = *view.node;
    if (!node.datapath || !node.manifest)
        return tl::unexpected(Error{"the data path is not loaded: apply a manifest first", EAGAIN});
    auto names = flow_names(*node.indexes);
    GLB_TRY(names.check(query));
    const auto listing =
        std::make_shared<FlowListing>(node.datapath->flow_table(), query, std::move(names),
                                      target_timeouts(*node.manifest, *view.health), plan::tick_now());
    return [listing, handles = node.datapath](std::string &chunk) { return listing->next(chunk); };
}

Result<documents::DropList> NodeViews::drops() const {
    const View view{sources_.node.load(), sources_.health()};
    std::vector<glb_count> counts;
    if (view.counters) {
        GLB_ASSIGN(counts, view.counters->drops());
    }
    return documents::DropList{counter_rows(drop_texts, counts)};
}

Result<documents::CounterList> NodeViews::counters() const {
    const View view{sources_.node.load(), sources_.health()};
    std::vector<glb_count> counts;
    if (view.counters) {
        GLB_ASSIGN(counts, all_counters(view));
    }
    return documents::CounterList{counter_rows(counter_texts, counts)};
}

Result<documents::Guard> NodeViews::guard() const {
    const auto node = sources_.node.load();
    documents::Guard document;
    document.installed = node->guard.installed;
    document.restored = node->guard.restored;
    document.warnings = node->guard.warnings;
    const auto count = guard_count(*node);
    document.uninspected = {count.packets, count.bytes};
    if (!node->guard.manifest)
        return document;
    for (const auto &endpoint : node->guard.manifest->endpoints)
        for (const auto &interface : endpoint.interfaces) {
            const auto found = node->interfaces.find(interface.name);
            document.interfaces.push_back(
                {interface.name,
                 {interface.vlans},
                 endpoint.name,
                 std::string(to_string(endpoint.when_detached)),
                 node->guard.installed && endpoint.when_detached == config::WhenDetached::drop,
                 found != node->interfaces.end() && found->second.exists && found->second.has_punt_path});
        }
    return document;
}

Result<nlohmann::json> NodeViews::manifest() const {
    const auto node = sources_.node.load();
    if (!node->manifest)
        return tl::unexpected(Error{"no manifest is active; fix: glbctl apply FILE", ENOENT});
    return nlohmann::json(config::export_manifest(*node->manifest));
}

Result<documents::History> NodeViews::history() const {
    documents::History document;
    for (const auto &entry : state::History(sources_.history).entries()) {
        documents::HistoryEntry row;
        row.back = document.history.size();
        row.time = entry.time;
        row.by = entry.by;
        if (!entry.file.empty())
            row.file = entry.file;
        row.uid = entry.uid;
        row.pid = entry.pid;
        row.epoch = entry.epoch;
        if (const auto manifest = config::parse_manifest(entry.manifest)) {
            row.endpoints = manifest->endpoints.size();
            row.target_groups = manifest->target_groups.size();
            row.targets = 0;
            for (const auto &group : manifest->target_groups)
                *row.targets += group.targets.size();
        }
        document.history.push_back(std::move(row));
    }
    return document;
}

} // namespace glb::observe
