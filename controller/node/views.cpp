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
using nlohmann::json;

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
json counts_json(const ReasonText (&texts)[N], const std::vector<glb_count> &counts) {
    auto rows = json::array();
    for (std::size_t i = 0; i < N; ++i) {
        const auto count = i < counts.size() ? counts[i] : glb_count{};
        rows.push_back({{"reason", texts[i].name},
                        {"packets", count.packets},
                        {"bytes", count.bytes},
                        {"meaning", texts[i].meaning}});
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

json vlan_json(const InterfaceRef &interface) {
    if (interface.vlans.empty())
        return nullptr;
    return interface.vlans.size() == 1 ? json(interface.vlans[0]) : json(interface.vlans);
}

json text_or_null(std::string_view text) {
    return text.empty() ? json(nullptr) : json(std::string(text));
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

TargetTimeouts LocalNode::timeouts() const {
    TargetTimeouts timeouts(GLB_MAX_TARGETS);
    if (!manifest_)
        return timeouts;
    for (const auto &[name, member] : registry_.members())
        for (const auto &group : manifest_->target_groups)
            if (group.name == member.group)
                timeouts[member.index] = {
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

/// As they are now: what is made of them takes longer than health may wait.
std::map<std::string, TargetEntry> LocalNode::members() const {
    const std::lock_guard held(shared_);
    return registry_.members();
}

/// How many targets are in each state.
json LocalNode::target_states() const {
    json states = {{"healthy", 0}, {"unhealthy", 0}, {"draining", 0},
                   {"initial", 0}, {"unused", 0},    {"unavailable", 0}};
    const std::lock_guard held(shared_);
    for (const auto &[name, member] : registry_.members()) {
        auto &row = states[std::string(to_string(member.health.state()))];
        row = row.get<int>() + 1;
    }
    return states;
}

FlowStats LocalNode::count() const {
    if (table_)
        return count_flows(*table_, timeouts(), tick_now());
    FlowStats none;
    none.by_target.resize(GLB_MAX_TARGETS);
    return none;
}

Result<json> LocalNode::status() {
    const auto flows = count();
    json interfaces = json::array();
    if (manifest_)
        for (const auto &name : interface_names(*manifest_))
            interfaces.push_back({{"name", name},
                                  {"mode", to_string(manifest_->node.xdp_mode)},
                                  {"attached", is_attached(name)},
                                  {"punt", has_punt(name)},
                                  {"shared", false}});
    json bypassed = json::array();
    for (const auto &endpoint : manifest_ ? manifest_->endpoints : std::vector<Endpoint>{})
        if (bypass_reason(endpoint))
            bypassed.push_back(endpoint.name);
    std::uint64_t epoch = 0;
    std::uint64_t untracked = 0;
    if (program_) {
        GLB_ASSIGN(const auto control, program_->control());
        GLB_ASSIGN(const auto counts, program_->counters());
        epoch = control.epoch;
        untracked = counts[GLB_COUNT_UNTRACKED].packets;
    }
    std::uint64_t uninspected = 0;
    if (guard_ && guard_report_.installed)
        if (const auto stopped = guard_->uninspected())
            uninspected = stopped->packets;
    const auto lacks = not_ready_reason();
    json status = {
        {"ready", lacks.empty()},
        {"notReadyReason", text_or_null(lacks)},
        {"node", manifest_ && !manifest_->node.name.empty() ? manifest_->node.name : host_name()},
        {"version", settings_.version},
        {"epoch", epoch},
        {"uptimeSeconds", std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started_).count()},
        {"guard",
         {{"installed", guard_report_.installed},
          {"uninspected", uninspected},
          {"restored", guard_restored_},
          {"warnings", guard_report_.warnings}}},
        {"bypassed", bypassed},
        {"interfaces", interfaces},
        {"flows",
         {{"active", flows.active},
          {"unconfirmed", flows.of(FlowState::unconfirmed)},
          {"capacity", capacity_},
          {"untracked", untracked}}},
        {"targets", target_states()}};
    if (confirmation_)
        status["confirmation"] = {
            {"secondsLeft",
             std::max<std::int64_t>(
                 0, std::chrono::ceil<std::chrono::seconds>(confirmation_->until - Clock::now()).count())}};
    return status;
}

json LocalNode::target_row(const TargetEntry &member, const FlowStats &flows) const {
    const auto count =
        program_ ? program_->target_count(member.index).value_or(glb_target_count{}) : glb_target_count{};
    const auto slots = slots_.find(member.index);
    return {{"targetGroup", member.group},
            {"id", member.target.id},
            {"address", member.target.address.to_string()},
            {"port", member.target.port},
            {"weight", member.target.weight},
            {"state", to_string(member.health.state())},
            {"reason", text_or_null(to_string(member.health.reason()))},
            {"description", text_or_null(member.health.description())},
            {"sinceSeconds",
             std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - member.health.since()).count()},
            {"lastError", text_or_null(member.health.last_error())},
            {"drainedByOperator", member.ordered_until.has_value()},
            {"activeFlows", member.index < flows.by_target.size() ? flows.by_target[member.index] : 0},
            {"newFlows", count.new_flows},
            {"packetsOut", count.out.packets},
            {"packetsBack", count.back.packets},
            {"bytesOut", count.out.bytes},
            {"bytesBack", count.back.bytes},
            {"slots", slots == slots_.end() || member.drain_until ? 0 : slots->second}};
}

Result<json> LocalNode::targets(const std::optional<std::string> &group) {
    if (group && (!manifest_ || std::none_of(manifest_->target_groups.begin(), manifest_->target_groups.end(),
                                             [&](const TargetGroup &row) { return row.name == *group; })))
        return tl::unexpected(Error{fmt::format("there is no target group {}", *group), ENOENT});
    const auto flows = count();
    auto rows = json::array();
    for (const auto &[name, member] : members())
        if (!group || member.group == *group)
            rows.push_back(target_row(member, flows));
    return json{{"targets", rows}};
}

glb_endpoint_count LocalNode::endpoint_count(const std::string &name) const {
    const auto index = book_.find(Kind::endpoint, name);
    return program_ && index ? program_->endpoint_count(*index).value_or(glb_endpoint_count{})
                             : glb_endpoint_count{};
}

Result<json> LocalNode::endpoints() {
    auto rows = json::array();
    for (const auto &endpoint : manifest_ ? manifest_->endpoints : std::vector<Endpoint>{}) {
        auto interfaces = json::array();
        for (const auto &interface : endpoint.interfaces) {
            const auto *link = snapshot_.link(interface.name);
            interfaces.push_back({{"name", interface.name},
                                  {"vlan", vlan_json(interface)},
                                  {"mtu", link ? json(link->mtu) : json(nullptr)}});
        }
        const auto count = endpoint_count(endpoint.name);
        const auto left = bypasses_.seconds_left(endpoint.name, Clock::now());
        const auto bypass = bypass_reason(endpoint);
        rows.push_back({{"name", endpoint.name},
                        {"id", endpoint.id_text},
                        {"mode", to_string(endpoint.mode)},
                        {"targetGroup", endpoint.target_group},
                        {"interfaces", interfaces},
                        {"packetsIn", count.in.packets},
                        {"bytesIn", count.in.bytes},
                        {"packetsForwarded", count.forwarded.packets},
                        {"bytesForwarded", count.forwarded.bytes},
                        {"bypassed", bypass.has_value()},
                        {"bypassReason", bypass ? json(*bypass) : json()},
                        {"bypassSecondsLeft", left ? json(*left) : json()}});
    }
    return json{{"endpoints", rows}};
}

Result<ChunkSource> LocalNode::flows(const FlowQuery &filter) {
    if (!table_)
        return tl::unexpected(nothing_loaded());
    return [table = table_, filter, names = flow_names(), timeouts = timeouts()](std::string &chunk) {
        chunk = list_flows(*table, filter, names, timeouts, tick_now());
        return false;
    };
}

Result<json> LocalNode::drops() {
    std::vector<glb_count> counts;
    if (program_) {
        GLB_ASSIGN(counts, program_->drops());
    }
    return json{{"drops", counts_json(drop_texts, counts)}};
}

/// Those of the data path, and what only the census sees. The program must be loaded.
Result<std::vector<glb_count>> LocalNode::all_counters() const {
    GLB_ASSIGN(auto counts, program_->counters());
    counts[GLB_COUNT_ONE_WAY_TCP].packets += one_way_.total();
    return counts;
}

Result<json> LocalNode::counters() {
    std::vector<glb_count> counts;
    if (program_) {
        GLB_ASSIGN(counts, all_counters());
    }
    return json{{"counters", counts_json(counter_texts, counts)}};
}

Result<json> LocalNode::guard() {
    json interfaces = json::array();
    PacketCount stopped;
    if (guard_ && (manifest_ || guard_report_.installed)) { // down --keep-guard leaves it without a manifest
        GLB_ASSIGN(stopped, guard_->uninspected());
    }
    const auto &guarded = manifest_ ? manifest_ : load_kept_guard(store_);
    if (guarded && guard_) {
        for (const auto &endpoint : guarded->endpoints)
            for (const auto &interface : endpoint.interfaces)
                interfaces.push_back(
                    {{"name", interface.name},
                     {"vlan", vlan_json(interface)},
                     {"endpoint", endpoint.name},
                     {"whenDetached", to_string(endpoint.when_detached)},
                     {"guarded", guard_report_.installed && endpoint.when_detached == WhenDetached::drop},
                     {"punt", has_punt(interface.name)}});
    }
    return json{{"installed", guard_report_.installed},
                {"uninspected", {{"packets", stopped.packets}, {"bytes", stopped.bytes}}},
                {"restored", guard_restored_},
                {"warnings", guard_report_.warnings},
                {"interfaces", interfaces}};
}

Result<json> LocalNode::manifest() {
    if (!manifest_)
        return tl::unexpected(Error{"no manifest is in force", ENOENT});
    return json(export_manifest(*manifest_));
}

MetricsSnapshot LocalNode::metrics() {
    MetricsSnapshot snapshot;
    snapshot.version = settings_.version;
    snapshot.node = manifest_ && !manifest_->node.name.empty() ? manifest_->node.name : host_name();
    snapshot.ready = is_ready();
    snapshot.uptime_seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    snapshot.loop_lag_seconds = std::chrono::duration<double>(health_loop_.exchange_max_lag()).count();
    snapshot.netlink_overruns = monitor_ ? monitor_->overruns() : 0;
    const auto flows = count();
    snapshot.flows_active = flows.active;
    snapshot.flows_unconfirmed = flows.of(FlowState::unconfirmed);
    snapshot.flows_capacity = capacity_;
    if (program_) {
        if (const auto control = program_->control())
            snapshot.epoch = control->epoch;
        snapshot.drops = counts_list(drop_texts, program_->drops().value_or(std::vector<glb_count>{}));
        snapshot.counters = counts_list(counter_texts, all_counters().value_or(std::vector<glb_count>{}));
    }
    for (const auto &[name, member] : members()) {
        const auto row = target_row(member, flows);
        snapshot.targets.push_back({member.group, member.target.id,
                                    std::string(to_string(member.health.state())), member.target.weight,
                                    row["slots"], row["activeFlows"], row["newFlows"], row["packetsOut"],
                                    row["packetsBack"], row["bytesOut"], row["bytesBack"]});
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
