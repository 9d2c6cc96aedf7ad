#include "controller/guard/guard.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include <net/if.h>

#include <bpf/libbpf.h>

#include "controller/guard/clsact.h"
#include "controller/guard/diagnostics.h"
#include "controller/guard/filter.h"
#include "controller/guard/mark_users.h"
#include "controller/guard/tcx.h"
#include "controller/util/first_failure.h"
#include "controller/util/interface_ref.h"

namespace glb::guard {
namespace {

template <typename T>
bool contains(const std::vector<T> &list, const T &value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

/// libbpf has one function for all threads, so it is not replaced for a while.
thread_local bool is_libbpf_quiet = false;

[[gnu::format(printf, 2, 0)]] int print_unless_quiet(enum libbpf_print_level level, const char *format,
                                                     va_list arguments) {
    return level == LIBBPF_DEBUG || is_libbpf_quiet ? 0 : std::vfprintf(stderr, format, arguments);
}

/// Records the failure to restore a part of the guard.
void record_missing(GuardReport &report, const char *part, const Status &done) {
    if (done)
        return;
    report.conditions.push_back(
        {Severity::error, "guard-broken", part, "cannot be restored: " + done.error().message, {}});
    record_failure(report.whole, Status(done));
}

/// True if an interface of the plan has another index now.
bool resolve_interfaces(plan::GuardPlan &plan) {
    bool changed = false;
    for (auto &port : plan.ports) {
        const unsigned now = if_nametoindex(port.interface.c_str());
        if (now == 0 && errno != ENODEV)
            continue; // unknown without a descriptor for its socket: the filter keeps its ports
        changed = changed || now != port.ifindex;
        port.ifindex = now;
    }
    return changed;
}

Status remove_stale_rules(Netlink &netlink, const std::vector<Rule> &wanted) {
    GLB_ASSIGN(const auto present, list_rules(netlink));
    Status first;
    for (const auto &rule : present)
        if (rule.is_own() && !contains(wanted, rule))
            record_failure(first, remove_rule(netlink, rule));
    return first;
}

} // namespace

Result<Guard> Guard::open(GuardPaths paths) {
    libbpf_set_print(print_unless_quiet);
    GLB_ASSIGN(auto netlink, Netlink::open());
    GLB_ASSIGN(auto nftables, Nftables::open());
    GLB_ASSIGN(auto monitor, Monitor::open());
    return Guard(std::move(paths), std::move(netlink), std::move(nftables), std::move(monitor));
}

/// Without the program the walls by name remain: its failure does not end an installation.
void Guard::load_program() {
    const auto mark_mask = plan_->mark_mask;
    if (program_ && program_->mark_mask() == mark_mask)
        return;
    // Active filters with another mask must not read marks of this one: they keep their maps until replaced.
    const bool fresh = program_ || (saved_->mark_mask && saved_->mark_mask != mark_mask);
    const auto load = [&]() -> Status {
        GLB_ASSIGN(auto program, GuardProgram::load(paths_.pins, mark_mask, fresh));
        if (magic_)
            GLB_TRY(program.set_magic(*magic_));
        program_ = std::move(program); // only now: the next attempt does not set the magic again
        return {};
    };
    is_libbpf_quiet = !program_error_.empty(); // each second: it prints its reasons once
    const auto loaded = load();
    is_libbpf_quiet = false;
    program_error_ = loaded ? std::string() : loaded.error().message;
    if (loaded)
        saved_->mark_mask = mark_mask;
    else
        program_.reset(); // of another mask
}

Status Guard::write_ports() {
    are_ports_written_ = false;
    if (!program_)
        return {};
    GLB_TRY(program_->write_ports(*plan_));
    are_ports_written_ = true;
    return {};
}

Status Guard::write_punt_devices() {
    if (!program_)
        return {};
    GLB_ASSIGN(auto devices, find_punt_devices(*plan_));
    if (devices == punt_devices_)
        return {};
    punt_devices_.reset(); // unknown, if writing fails
    GLB_TRY(program_->write_endpoints(devices));
    punt_devices_ = std::move(devices);
    return {};
}

Status Guard::install(const plan::GuardPlan &plan) {
    GLB_TRY(plan::check_guard_plan(plan));
    GLB_TRY(check_owner());
    is_installed_ = false;
    plan_ = plan;
    are_ports_written_ = false;
    GLB_TRY(write_table());
    GuardReport report;
    GLB_TRY(repair_rules(report));
    load_program();
    saved_->devices = plan::guarded_devices(plan);
    (void)saved_.persist();
    GLB_TRY(repair_sysctls(report));
    GLB_TRY(write_ports());
    punt_devices_.reset();
    GLB_TRY(write_punt_devices());
    GLB_TRY(repair_filters(report));
    GLB_TRY(remove_stale_rules(netlink_, plan::guard_routing_rules(plan)));
    GLB_TRY(remove_stale_filters(plan::guard_interfaces(plan)));
    GLB_TRY(restore_sysctls(plan::guard_sysctls(plan)));
    is_installed_ = true;
    return {};
}

Status Guard::set_magic(std::uint32_t magic) {
    if (!plan_)
        return fail("the guard is not installed");
    magic_ = magic;
    if (!program_)
        return fail("the guard has no tc program: {}", program_error_);
    return program_->set_magic(magic);
}

Status Guard::repair_rules(GuardReport &report) {
    GLB_ASSIGN(const auto present, list_rules(netlink_));
    for (const auto &rule : plan::guard_routing_rules(*plan_)) {
        if (contains(present, rule))
            continue;
        GLB_TRY(add_rule(netlink_, rule));
        report.repaired.push_back(rule.to_string());
    }
    std::ranges::move(rule_conditions(present), std::back_inserter(report.conditions));
    std::ranges::move(rule_mark_users(present, plan_->mark_mask), std::back_inserter(report.conditions));
    return {};
}

Status Guard::repair_sysctls(GuardReport &report) {
    std::vector<plan::Sysctl> wrong;
    for (const auto &sysctl : plan::guard_sysctls(*plan_)) {
        const auto value = read_sysctl(sysctl.key);
        if (!value)
            continue; // the interface or the IP version does not exist
        saved_->sysctls.emplace(sysctl.key, *value);
        if (*value != sysctl.value)
            wrong.push_back(sysctl);
    }
    (void)saved_.persist();
    for (const auto &sysctl : wrong) {
        const auto done = write_sysctl(sysctl.key, sysctl.value);
        if (!done && done.error().code == ENOENT)
            continue; // the interface was just deleted
        GLB_TRY(done);
        report.repaired.push_back("sysctl " + sysctl.key);
    }
    return {};
}

Status Guard::repair_filters(GuardReport &report) {
    Status first;
    for (const auto ifindex : plan::guard_interfaces(*plan_))
        record_failure(first, repair_filter(ifindex, report));
    return first;
}

Status Guard::repair_filter(unsigned ifindex, GuardReport &report) {
    GLB_ASSIGN(const auto filters, list_filters(netlink_, ifindex));
    const auto name = interface_name(ifindex);
    const auto own = std::find_if(filters.begin(), filters.end(), [](const auto &f) { return f.is_own(); });
    if (own != filters.begin() && own != filters.end())
        report.conditions.push_back(foreign_filter(name, filters.front()));
    std::ranges::move(filter_mark_users(name, filters, plan_->mark_mask),
                      std::back_inserter(report.conditions));
    if (own != filters.end() && saved_->clsact.count(name))
        qdiscs_[name] = ifindex;
    if (!program_ || (own != filters.end() && own->program_id == program_->id()))
        return {};
    const auto created = add_clsact(netlink_, ifindex);
    if (!created && created.error().code == ENODEV)
        return {}; // just deleted; found by name when it is recreated
    GLB_TRY(created);
    if (*created && saved_->clsact.insert(name).second)
        (void)saved_.persist();
    const auto known = qdiscs_.find(name);
    if (*created)
        qdiscs_[name] = ifindex;
    else if (known != qdiscs_.end() && known->second != ifindex) {
        // Of another interface with the same name: somebody else has created this one's qdisc.
        saved_->clsact.erase(name);
        qdiscs_.erase(known);
        (void)saved_.persist();
    }
    GLB_TRY(put_filter(netlink_, ifindex, program_->fd()));
    report.repaired.push_back("tc filter on " + name);
    return {};
}

Status Guard::repair_maps() {
    if (resolve_interfaces(*plan_) || !are_ports_written_)
        GLB_TRY(write_ports());
    return write_punt_devices();
}

/// What the guard cannot repair.
void Guard::diagnose(GuardReport &report) const {
    auto &conditions = report.conditions;
    for (const auto ifindex : plan::guard_interfaces(*plan_))
        std::ranges::move(tcx_conditions(interface_name(ifindex), list_tcx(ifindex)),
                          std::back_inserter(conditions));
    conditions.insert(conditions.end(), table_.conditions.begin(), table_.conditions.end());
    std::ranges::move(legacy_tables(), std::back_inserter(conditions));
    if (!has_probe_)
        conditions.push_back(missing_probe());
    std::ranges::move(bridge_table_.conditions(*plan_), std::back_inserter(conditions));
    if (!program_)
        conditions.push_back({Severity::error, "guard-program-missing", paths_.pins.string(),
                              program_error_ + ": only the walls by interface name stand, and packets "
                                               "that need the host stack are dropped",
                              fmt::format("check that {} is on a BPF file system and writable",
                                          paths_.pins.parent_path().string())});
    std::ranges::move(saved_.conditions(), std::back_inserter(conditions));
}

GuardReport Guard::check_and_repair() {
    GuardReport report;
    if (!plan_)
        return report;
    record_missing(report, "nftables table inet glb", repair_table(report));
    record_missing(report, "routing rules", repair_rules(report));
    load_program();
    const auto maps = repair_maps();
    record_missing(report, "maps of the tc filter", maps);
    record_missing(report, "sysctls", repair_sysctls(report));
    if (maps) // a filter must find its ports
        record_missing(report, "tc filters", repair_filters(report));
    diagnose(report);
    report.counted = counted_;
    report.counter = counter_;
    return report;
}

Result<plan::PacketCount> Guard::uninspected() {
    GLB_TRY(read_counter());
    return counted_;
}

Status Guard::remove_stale_filters(const std::vector<unsigned> &wanted) {
    GLB_ASSIGN(const auto snapshot, network::read_snapshot(netlink_));
    Status first;
    for (const auto &link : snapshot.links)
        if (!contains(wanted, link.index))
            record_failure(first, release_interface(link));
    return first;
}

Status Guard::release_interface(const network::Link &link) {
    GLB_TRY(remove_filter(netlink_, link.index));
    if (!saved_->clsact.count(link.name))
        return {};
    GLB_ASSIGN(const auto ingress, list_filters(netlink_, link.index));
    GLB_ASSIGN(const auto egress, list_filters(netlink_, link.index, true));
    if (ingress.empty() && egress.empty()) // otherwise other filters use the qdisc
        GLB_TRY(remove_clsact(netlink_, link.index));
    saved_->clsact.erase(link.name);
    (void)saved_.persist();
    return {};
}

Status Guard::restore_sysctls(const std::vector<plan::Sysctl> &wanted) {
    const auto is_wanted = [&](const std::string &key) {
        return std::any_of(wanted.begin(), wanted.end(),
                           [&](const auto &sysctl) { return sysctl.key == key; });
    };
    Status first;
    for (auto row = saved_->sysctls.begin(); row != saved_->sysctls.end();) {
        Status restored;
        if (!is_wanted(row->first) && read_sysctl(row->first))
            restored = write_sysctl(row->first, row->second);
        if (!restored && restored.error().code == ENOENT)
            restored = {}; // the interface was just deleted
        row = is_wanted(row->first) || !restored ? std::next(row) : saved_->sysctls.erase(row);
        record_failure(first, std::move(restored));
    }
    (void)saved_.persist();
    return first;
}

/// The record of the owner goes with the table, last.
Status Guard::remove_walls() {
    Status first;
    record_failure(first, remove_stale_filters({}));
    record_failure(first, remove_stale_rules(netlink_, {}));
    record_failure(first, restore_sysctls({}));
    // `add` first: deleting a missing table fails.
    record_failure(first, nftables_.run("add table inet glb\ndelete table inet glb\n"));
    record_failure(first, BridgeTable::remove(nftables_));
    return first;
}

Status Guard::remove() {
    plan_.reset(); // disables check_and_repair()
    is_installed_ = false;
    GLB_ASSIGN(const auto found, find_owner());
    if (!check_ownership(found))
        return {};
    auto first = remove_walls();
    record_failure(first, saved_.persist());
    program_.reset();
    record_failure(first, GuardProgram::unpin(paths_.pins));
    if (first)
        record_failure(first, saved_.remove());
    return first;
}

} // namespace glb::guard
