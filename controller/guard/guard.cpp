#include "controller/guard/guard.h"

#include <algorithm>

#include <net/if.h>
#include <unistd.h>

#include "controller/guard/diagnostics.h"
#include "controller/guard/filter.h"
#include "controller/network/snapshot.h"
#include "controller/util/files.h"

namespace glb::guard {
namespace {

template <typename T>
bool contains(const std::vector<T> &list, const T &value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

std::string name_of(unsigned ifindex) {
    char name[IF_NAMESIZE] = {};
    return if_indextoname(ifindex, name) ? name : fmt::format("interface {}", ifindex);
}

} // namespace

Result<Guard> Guard::open(GuardPaths paths) {
    GLB_ASSIGN(auto netlink, Netlink::open());
    GLB_ASSIGN(auto nftables, Nftables::open());
    Guard guard(std::move(paths), std::move(netlink), std::move(nftables));
    guard.former_ = guard.kept_former_ = SavedState::load(guard.paths_.state, guard.former_damaged_);
    return guard;
}

Status Guard::load_program(std::uint32_t mark_mask) {
    if (program_ && program_->mark_mask() == mark_mask)
        return {};
    // Live filters of another mask must not read marks of this one: they keep their own maps until replaced.
    const bool fresh = program_ || (former_.mark_mask && former_.mark_mask != mark_mask);
    GLB_ASSIGN(program_, GuardProgram::load(paths_.pins, mark_mask, fresh));
    if (magic_)
        GLB_TRY(program_->set_magic(magic_));
    return {};
}

/// Call it before what it remembers is changed. Writes only what is new, and forgets what could not be
/// written: a full disk must not stop a guard that changes nothing, or goes back to what was.
Status Guard::keep_former() {
    if (former_ == kept_former_)
        return {};
    if (auto saved = former_.save(paths_.state); !saved) {
        former_ = kept_former_;
        auto error = std::move(saved).error();
        error.message += "; " + write_error_hint(error.code, paths_.state.parent_path());
        return tl::unexpected(std::move(error));
    }
    kept_former_ = former_;
    return {};
}

Status Guard::write_table() {
    GLB_ASSIGN(const auto now, nftables_.counter());
    if (now)
        counted_ = *now;
    GLB_TRY(nftables_.run(guard_ruleset(*plan_, counted_)));
    table_ = nftables_.list("table inet glb");
    generation_ = 0;
    return {};
}

Status Guard::install(const GuardPlan &plan) {
    GLB_TRY(check_guard_plan(plan));
    whole_ = false;
    GLB_TRY(load_program(plan.mark_mask));
    plan_ = plan;
    former_.mark_mask = plan.mark_mask;
    GLB_TRY(keep_former());
    GLB_TRY(write_table());
    GuardReport report;
    GLB_TRY(repair_rules(report));
    GLB_TRY(repair_sysctls(report));
    GLB_TRY(program_->write(plan));
    GLB_TRY(repair_filters(report));
    GLB_TRY(remove_stale_rules(guard_routing_rules(plan)));
    GLB_TRY(remove_stale_filters(guard_interfaces(plan)));
    GLB_TRY(restore_sysctls(guard_sysctls(plan)));
    whole_ = true;
    return {};
}

Status Guard::set_magic(std::uint32_t magic) {
    if (!program_)
        return fail("the guard is not installed");
    magic_ = magic;
    return program_->set_magic(magic);
}

bool Guard::resolve_interfaces() {
    bool changed = false;
    for (auto &port : plan_->ports) {
        const unsigned now = if_nametoindex(port.interface.c_str());
        changed = changed || now != port.ifindex;
        port.ifindex = now;
    }
    return changed;
}

Status Guard::repair_table(GuardReport &report) {
    GLB_ASSIGN(const auto counter, nftables_.counter());
    if (counter)
        counted_ = {std::max(counted_.packets, counter->packets), std::max(counted_.bytes, counter->bytes)};
    // Asked before the listing: what changes in between is seen the next time.
    GLB_ASSIGN(const auto generation, nftables_.generation());
    if (generation == generation_)
        return {};
    if (nftables_.list("table inet glb") != table_) {
        GLB_TRY(write_table());
        report.repaired.push_back("nftables table inet glb");
        return {};
    }
    table_warnings_ = table_warnings(nftables_.list_json("ruleset"));
    generation_ = generation;
    return {};
}

Status Guard::repair_rules(GuardReport &report) {
    GLB_ASSIGN(const auto present, list_rules(netlink_));
    for (const auto &rule : guard_routing_rules(*plan_)) {
        if (contains(present, rule))
            continue;
        GLB_TRY(add_rule(netlink_, rule));
        report.repaired.push_back(rule.to_string());
    }
    for (auto &warning : rule_warnings(present))
        report.warnings.push_back(std::move(warning));
    return {};
}

Status Guard::repair_sysctls(GuardReport &report) {
    std::vector<Sysctl> wrong;
    for (const auto &sysctl : guard_sysctls(*plan_)) {
        const auto value = read_sysctl(sysctl.key);
        if (!value)
            continue; // the interface, or the IP version, is not there
        former_.sysctls.emplace(sysctl.key, *value);
        if (*value != sysctl.value)
            wrong.push_back(sysctl);
    }
    GLB_TRY(keep_former());
    for (const auto &sysctl : wrong) {
        const auto done = write_sysctl(sysctl.key, sysctl.value);
        if (!done && done.error().code == ENOENT)
            continue; // the interface has just gone
        GLB_TRY(done);
        report.repaired.push_back("sysctl " + sysctl.key);
    }
    return {};
}

Status Guard::repair_filters(GuardReport &report) {
    for (const auto ifindex : guard_interfaces(*plan_)) {
        GLB_ASSIGN(const auto filters, list_filters(netlink_, ifindex));
        const auto own =
            std::find_if(filters.begin(), filters.end(), [](const auto &f) { return f.is_own(); });
        if (own != filters.begin() && own != filters.end())
            report.warnings.push_back(
                fmt::format("another tc filter on {} runs before the guard's: {} (priority {})",
                            name_of(ifindex), filters.front().name, filters.front().priority));
        if (own != filters.end() && own->program_id == program_->id())
            continue;
        const auto made = add_clsact(netlink_, ifindex);
        if (!made && made.error().code == ENODEV)
            continue; // it has just gone; by its name it is found again when it comes back
        GLB_TRY(made);
        if (*made && former_.clsact.insert(name_of(ifindex)).second)
            if (auto kept = keep_former(); !kept) {
                (void)remove_clsact(netlink_, ifindex);
                return kept;
            }
        GLB_TRY(put_filter(netlink_, ifindex, program_->fd()));
        report.repaired.push_back("tc filter on " + name_of(ifindex));
    }
    return {};
}

Result<GuardReport> Guard::check_and_repair() {
    GuardReport report;
    if (!plan_)
        return report;
    if (resolve_interfaces())
        GLB_TRY(program_->write(*plan_));
    GLB_TRY(repair_table(report));
    GLB_TRY(repair_rules(report));
    GLB_TRY(repair_sysctls(report));
    GLB_TRY(repair_filters(report));
    report.warnings.insert(report.warnings.end(), table_warnings_.begin(), table_warnings_.end());
    if (former_damaged_)
        report.warnings.push_back(fmt::format(
            "{} was damaged: what sysctls were before the guard is not known", paths_.state.string()));
    report.installed = true;
    return report;
}

Result<PacketCount> Guard::uninspected() {
    GLB_ASSIGN(const auto now, nftables_.counter());
    if (now)
        counted_ = {std::max(counted_.packets, now->packets), std::max(counted_.bytes, now->bytes)};
    return counted_;
}

Status Guard::remove_stale_rules(const std::vector<Rule> &wanted) {
    GLB_ASSIGN(const auto present, list_rules(netlink_));
    for (const auto &rule : present)
        if (rule.is_own() && !contains(wanted, rule))
            GLB_TRY(remove_rule(netlink_, rule));
    return {};
}

Status Guard::remove_stale_filters(const std::vector<unsigned> &wanted) {
    GLB_ASSIGN(const auto snapshot, read_snapshot(netlink_));
    for (const auto &link : snapshot.links) {
        if (contains(wanted, link.index))
            continue;
        GLB_TRY(remove_filter(netlink_, link.index));
        if (!former_.clsact.count(link.name))
            continue;
        GLB_ASSIGN(const auto ingress, list_filters(netlink_, link.index));
        GLB_ASSIGN(const auto egress, list_filters(netlink_, link.index, true));
        if (ingress.empty() && egress.empty()) // else somebody else relies on the qdisc by now
            GLB_TRY(remove_clsact(netlink_, link.index));
        former_.clsact.erase(link.name);
        GLB_TRY(keep_former());
    }
    return {};
}

Status Guard::restore_sysctls(const std::vector<Sysctl> &wanted) {
    const auto is_wanted = [&](const std::string &key) {
        return std::any_of(wanted.begin(), wanted.end(),
                           [&](const auto &sysctl) { return sysctl.key == key; });
    };
    for (auto row = former_.sysctls.begin(); row != former_.sysctls.end();) {
        if (is_wanted(row->first)) {
            ++row;
            continue;
        }
        if (read_sysctl(row->first))
            GLB_TRY(write_sysctl(row->first, row->second));
        row = former_.sysctls.erase(row);
    }
    return keep_former();
}

Status Guard::remove() {
    Status first;
    const auto remember = [&](Status status) {
        if (first && !status)
            first = std::move(status);
    };
    plan_.reset(); // from here on check_and_repair() puts nothing back
    remember(remove_stale_filters({}));
    remember(remove_stale_rules({}));
    remember(restore_sysctls({}));
    // `add` first, since deleting what is not there fails.
    remember(nftables_.run("add table inet glb\ndelete table inet glb\n"));
    program_.reset();
    remember(GuardProgram::unpin(paths_.pins));
    if (first && ::unlink(paths_.state.c_str()) != 0 && errno != ENOENT)
        remember(fail_errno(errno, "cannot remove {}", paths_.state.string()));
    if (first)
        former_ = kept_former_ = {};
    return first;
}

} // namespace glb::guard
