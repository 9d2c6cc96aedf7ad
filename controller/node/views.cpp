// LocalNode: what is told of it. Counters, flows and the guard's count are read from the kernel when asked.
#include <algorithm>

#include <unistd.h>

#include "controller/config/enum_strings.h"
#include "controller/config/exporter.h"
#include "controller/config/formats.h"
#include "controller/control/boot_guard.h"
#include "controller/node/node.h"

namespace glb {

namespace {

using Kind = IndexAllocator::Kind;

struct ReasonText {
    const char *name;
    const char *meaning;
};

#define GLB_REASON_TEXT(name, text, meaning) ReasonText{text, meaning},
constexpr ReasonText drop_texts[] = {GLB_DROP_REASONS(GLB_REASON_TEXT)};
constexpr ReasonText counter_texts[] = {GLB_COUNTERS(GLB_REASON_TEXT)};
#undef GLB_REASON_TEXT

Error nothing_loaded() {
    return {"the data path is not loaded: apply a manifest first", EAGAIN};
}

template <std::size_t N>
std::vector<documents::Counter> counter_rows(const ReasonText (&texts)[N],
                                             const std::vector<glb_count> &counts) {
    std::vector<documents::Counter> rows;
    for (std::size_t i = 0; i < N; ++i) {
        const auto count = i < counts.size() ? counts[i] : glb_count{};
        rows.push_back({texts[i].name, count.packets, count.bytes, texts[i].meaning});
    }
    return rows;
}

template <std::size_t N>
std::vector<CountedReason> counts_list(const ReasonText (&texts)[N], const std::vector<glb_count> &counts) {
    std::vector<CountedReason> rows;
    for (std::size_t i = 0; i < N; ++i)
        rows.push_back({texts[i].name, i < counts.size() ? counts[i].packets : 0,
                        i < counts.size() ? counts[i].bytes : 0});
    return rows;
}

std::optional<std::string> text_if_any(std::string_view text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

template <typename Duration>
std::uint64_t whole_seconds(Duration duration) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(duration).count()));
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

} // namespace

bool LocalNode::is_attached(const std::string &interface) const {
    const auto *link = snapshot_.link(interface);
    if (!link || !attachments_)
        return false;
    const auto all = attachments_->interfaces();
    return std::find(all.begin(), all.end(), link->index) != all.end();
}

bool LocalNode::has_punt(const std::string &interface) const {
    const auto *link = snapshot_.link(interface);
    return !link || !no_door_.contains(link->index);
}

datapath::TargetTimeouts LocalNode::timeouts() const {
    datapath::TargetTimeouts timeouts(GLB_MAX_TARGETS);
    if (!manifest_)
        return timeouts;
    for (const auto &target : health()->targets)
        for (const auto &group : manifest_->target_groups)
            if (group.name == target.group)
                timeouts[target.target.index] = {
                    static_cast<std::uint32_t>(group.idle_tcp.count()) * GLB_TICKS_PER_SECOND,
                    static_cast<std::uint32_t>(group.idle_other.count()) * GLB_TICKS_PER_SECOND};
    return timeouts;
}

FlowNames LocalNode::flow_names() const {
    FlowNames names;
    names.endpoints.resize(GLB_MAX_ENDPOINTS);
    for (std::uint16_t i = 0; i < GLB_MAX_ENDPOINTS; ++i)
        names.endpoints[i] = book_.name_of(Kind::endpoint, i);
    names.targets.resize(GLB_MAX_TARGETS);
    for (std::uint16_t i = 0; i < GLB_MAX_TARGETS; ++i) {
        const auto name = book_.name_of(Kind::target, i);
        if (const auto slash = name.find('/'); slash != std::string::npos)
            names.targets[i] = {name.substr(0, slash), name.substr(slash + 1)};
    }
    return names;
}

documents::TargetStateCounts LocalNode::target_states() const {
    documents::TargetStateCounts states;
    for (const auto &target : health()->targets)
        states.add(to_string(target.state));
    return states;
}

FlowStats LocalNode::count() const {
    if (table_)
        return count_flows(*table_, timeouts(), tick_now());
    FlowStats none;
    none.by_target.resize(GLB_MAX_TARGETS);
    return none;
}

Result<documents::NodeStatus> LocalNode::status() {
    documents::NodeStatus status;
    if (program_) {
        GLB_ASSIGN(const auto control, program_->counters.control());
        GLB_ASSIGN(const auto counts, program_->counters.counters());
        status.epoch = control.epoch;
        status.flows.untracked = counts[GLB_COUNT_UNTRACKED].packets;
    }
    const auto reason = not_ready_reason();
    status.ready = reason.empty();
    status.not_ready_reason = text_if_any(reason);
    status.node = manifest_ && !manifest_->node.name.empty() ? manifest_->node.name : host_name();
    status.version = settings_.version;
    status.uptime_seconds = whole_seconds(Clock::now() - started_);
    status.guard.installed = guard_report_.installed;
    status.guard.restored = guard_restored_;
    status.guard.warnings = guard_report_.warnings;
    if (guard_ && guard_report_.installed)
        if (const auto stopped = guard_->uninspected())
            status.guard.uninspected = stopped->packets;
    if (manifest_) {
        for (const auto &endpoint : manifest_->endpoints)
            if (bypass_reason(endpoint))
                status.bypassed.push_back(endpoint.name);
        for (const auto &name : interface_names(*manifest_))
            status.interfaces.push_back({name, std::string(to_string(manifest_->node.xdp_mode)),
                                         is_attached(name), has_punt(name), false});
    }
    const auto flows = count();
    status.flows.active = flows.active;
    status.flows.unconfirmed = flows.of(FlowState::unconfirmed);
    status.flows.capacity = capacity_;
    status.targets = target_states();
    if (confirmation_)
        status.confirmation = {
            whole_seconds(std::chrono::ceil<std::chrono::seconds>(confirmation_->until - Clock::now()))};
    return status;
}

documents::Target LocalNode::target_row(const TargetSnapshot &target, const FlowStats &flows) const {
    const auto index = target.target.index;
    const auto count =
        program_ ? program_->counters.target_count(index).value_or(glb_target_count{}) : glb_target_count{};
    const auto slots = slots_.find(index);
    documents::Target row;
    row.target_group = target.group;
    row.id = target.target.id;
    row.address = target.target.address.to_string();
    row.port = target.target.port;
    row.weight = target.target.weight;
    row.state = to_string(target.state);
    row.reason = text_if_any(to_string(target.reason));
    row.description = text_if_any(target.description);
    row.since_seconds = whole_seconds(Clock::now() - target.since);
    row.last_error = text_if_any(target.last_error);
    row.drained_by_operator = target.operator_drain_until.has_value();
    row.active_flows = index < flows.by_target.size() ? flows.by_target[index] : 0;
    row.new_flows = count.new_flows;
    row.packets_out = count.outbound.packets;
    row.packets_back = count.returned.packets;
    row.bytes_out = count.outbound.bytes;
    row.bytes_back = count.returned.bytes;
    row.slots = slots == slots_.end() || target.drain_until ? 0 : slots->second;
    return row;
}

Result<documents::TargetList> LocalNode::targets(const std::optional<std::string> &group) {
    if (group && (!manifest_ || std::none_of(manifest_->target_groups.begin(), manifest_->target_groups.end(),
                                             [&](const TargetGroup &row) { return row.name == *group; })))
        return tl::unexpected(Error{fmt::format("there is no target group {}", *group), ENOENT});
    const auto flows = count();
    documents::TargetList list;
    for (const auto &target : health()->targets)
        if (!group || target.group == *group)
            list.targets.push_back(target_row(target, flows));
    return list;
}

glb_endpoint_count LocalNode::endpoint_count(const std::string &name) const {
    const auto index = book_.find(Kind::endpoint, name);
    return program_ && index ? program_->counters.endpoint_count(*index).value_or(glb_endpoint_count{})
                             : glb_endpoint_count{};
}

Result<documents::EndpointList> LocalNode::endpoints() {
    documents::EndpointList list;
    for (const auto &endpoint : manifest_ ? manifest_->endpoints : std::vector<Endpoint>{}) {
        documents::Endpoint row;
        row.name = endpoint.name;
        row.id = endpoint.id_text;
        row.mode = to_string(endpoint.mode);
        row.target_group = endpoint.target_group;
        for (const auto &interface : endpoint.interfaces) {
            const auto *link = snapshot_.link(interface.name);
            row.interfaces.push_back({interface.name,
                                      {interface.vlans},
                                      link ? std::optional<std::uint32_t>(link->mtu) : std::nullopt});
        }
        const auto count = endpoint_count(endpoint.name);
        row.packets_in = count.in.packets;
        row.bytes_in = count.in.bytes;
        row.packets_forwarded = count.forwarded.packets;
        row.bytes_forwarded = count.forwarded.bytes;
        row.bypass_reason = bypass_reason(endpoint);
        row.bypassed = row.bypass_reason.has_value();
        row.bypass_seconds_left = bypasses_.seconds_left(endpoint.name, Clock::now());
        list.endpoints.push_back(std::move(row));
    }
    return list;
}

Result<ChunkSource> LocalNode::flows(const FlowQuery &filter) {
    if (!table_)
        return tl::unexpected(nothing_loaded());
    return [table = table_, filter, names = flow_names(), timeouts = timeouts()](std::string &chunk) {
        chunk = list_flows(*table, filter, names, timeouts, tick_now());
        return false;
    };
}

Result<documents::DropList> LocalNode::drops() {
    std::vector<glb_count> counts;
    if (program_) {
        GLB_ASSIGN(counts, program_->counters.drops());
    }
    return documents::DropList{counter_rows(drop_texts, counts)};
}

/// Those of the data path, and what only the census sees. The program must be loaded.
Result<std::vector<glb_count>> LocalNode::all_counters() const {
    GLB_ASSIGN(auto counts, program_->counters.counters());
    counts[GLB_COUNT_ONE_WAY_TCP].packets += one_way_.total();
    return counts;
}

Result<documents::CounterList> LocalNode::counters() {
    std::vector<glb_count> counts;
    if (program_) {
        GLB_ASSIGN(counts, all_counters());
    }
    return documents::CounterList{counter_rows(counter_texts, counts)};
}

Result<documents::Guard> LocalNode::guard() {
    documents::Guard document;
    document.installed = guard_report_.installed;
    document.restored = guard_restored_;
    document.warnings = guard_report_.warnings;
    if (guard_ && (manifest_ || guard_report_.installed)) { // down --keep-guard leaves it without a manifest
        GLB_ASSIGN(const auto stopped, guard_->uninspected());
        document.uninspected = {stopped.packets, stopped.bytes};
    }
    const auto &guarded = manifest_ ? manifest_ : load_kept_guard(store_);
    if (guarded && guard_) {
        for (const auto &endpoint : guarded->endpoints)
            for (const auto &interface : endpoint.interfaces)
                document.interfaces.push_back(
                    {interface.name,
                     {interface.vlans},
                     endpoint.name,
                     std::string(to_string(endpoint.when_detached)),
                     guard_report_.installed && endpoint.when_detached == WhenDetached::drop,
                     has_punt(interface.name)});
    }
    return document;
}

Result<nlohmann::json> LocalNode::manifest() {
    if (!manifest_)
        return tl::unexpected(Error{"no manifest is in force", ENOENT});
    return nlohmann::json(export_manifest(*manifest_));
}

MetricsSnapshot LocalNode::metrics() {
    MetricsSnapshot snapshot;
    snapshot.version = settings_.version;
    snapshot.node = manifest_ && !manifest_->node.name.empty() ? manifest_->node.name : host_name();
    snapshot.ready = is_ready();
    snapshot.uptime_seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    snapshot.loop_lag_seconds = std::chrono::duration<double>(health_.exchange_max_lag()).count();
    snapshot.netlink_overruns = monitor_ ? monitor_->overruns() : 0;
    const auto flows = count();
    snapshot.flows_active = flows.active;
    snapshot.flows_unconfirmed = flows.of(FlowState::unconfirmed);
    snapshot.flows_capacity = capacity_;
    if (program_) {
        if (const auto control = program_->counters.control())
            snapshot.epoch = control->epoch;
        snapshot.drops =
            counts_list(drop_texts, program_->counters.drops().value_or(std::vector<glb_count>{}));
        snapshot.counters = counts_list(counter_texts, all_counters().value_or(std::vector<glb_count>{}));
    }
    for (const auto &target : health()->targets) {
        const auto row = target_row(target, flows);
        snapshot.targets.push_back({target.group, target.target.id, std::string(to_string(target.state)),
                                    target.target.weight, row.slots, row.active_flows, row.new_flows,
                                    row.packets_out, row.packets_back, row.bytes_out, row.bytes_back});
    }
    for (const auto &endpoint : manifest_ ? manifest_->endpoints : std::vector<Endpoint>{}) {
        const auto count = endpoint_count(endpoint.name);
        snapshot.endpoints.push_back({endpoint.name, count.in.packets, count.in.bytes,
                                      count.forwarded.packets, count.forwarded.bytes,
                                      bypass_reason(endpoint).has_value()});
    }
    if (manifest_)
        for (const auto &name : interface_names(*manifest_))
            snapshot.interfaces.push_back(
                {name, std::string(to_string(manifest_->node.xdp_mode)), is_attached(name)});
    snapshot.guard_installed = guard_report_.installed;
    if (guard_ && guard_report_.installed)
        if (const auto stopped = guard_->uninspected()) {
            snapshot.guard_uninspected_packets = stopped->packets;
            snapshot.guard_uninspected_bytes = stopped->bytes;
        }
    return snapshot;
}

} // namespace glb
