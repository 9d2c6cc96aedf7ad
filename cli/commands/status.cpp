// glbctl status: the node at a glance.
#include <algorithm>
#include <memory>

#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/table.h"
#include "controller/documents/status.h"
#include "controller/util/condition.h"

namespace glb::cli {

namespace {

std::string status_line(std::string_view title, const std::string &text, Style style = Style::plain,
                        bool colour = false) {
    return fmt::format("{:<12}{}\n", title, colorize(sanitize(text), style, colour));
}

std::string guard_lines(const documents::GuardSummary &guard, bool colour) {
    const auto style = !guard.installed ? Style::bad : guard.uninspected == 0 ? Style::good : Style::warning;
    auto text = fmt::format("{}, {} blocked", guard.installed ? "installed" : "NOT INSTALLED",
                            format_count(guard.uninspected, "packet"));
    if (guard.restored != 0)
        text += fmt::format(", repaired {}", format_count(guard.restored, "time"));
    return status_line("Guard", text, style, colour);
}

bool is_error(const documents::Degradation &row) {
    return row.severity == to_string(Severity::error);
}

std::string degradation_lines(const std::vector<documents::Degradation> &rows, bool colour) {
    std::string out;
    for (const auto &row : rows) {
        const Condition condition{{}, row.what, row.where, row.message, row.fix};
        out +=
            status_line(is_error(row) ? "ERROR" : "Warning",
                        fmt::format("{} (for {})", to_string(condition), format_duration(row.since_seconds)),
                        is_error(row) ? Style::bad : Style::warning, colour);
    }
    return out;
}

/// "glb-a, ready, 1 error, 2 warnings".
std::string node_line(const documents::NodeStatus &status, bool colour) {
    auto text = status.node + (status.ready ? ", ready" : ", NOT READY: " + or_dash(status.not_ready_reason));
    const auto errors = static_cast<std::uint64_t>(std::ranges::count_if(status.degraded, is_error));
    const auto warnings = status.degraded.size() - errors;
    if (errors != 0)
        text += ", " + format_count(errors, "error");
    if (warnings != 0)
        text += ", " + format_count(warnings, "warning");
    const auto style = !status.ready || errors != 0 ? Style::bad
                       : warnings != 0              ? Style::warning
                                                    : Style::good;
    return status_line("Node", text, style, colour);
}

/// Exit status of --check.
int check_status(const documents::NodeStatus &status) {
    const bool well = status.ready && std::ranges::none_of(status.degraded, is_error);
    return well ? exit_done : exit_refused;
}

std::string flows_line(const documents::FlowTableUsage &flows) {
    return status_line("Flows",
                       fmt::format("{} active, {} unconfirmed, capacity {}; {} untracked",
                                   format_count(flows.active), format_count(flows.unconfirmed),
                                   format_count(flows.capacity), format_count(flows.untracked, "packet")));
}

std::string targets_line(const documents::TargetStateCounts &targets) {
    return status_line(
        "Targets", fmt::format("{} healthy, {} unhealthy, {} draining, {} initial, {} unused, {} unavailable",
                               targets.healthy, targets.unhealthy, targets.draining, targets.initial,
                               targets.unused, targets.unavailable));
}

std::string interfaces_table(const std::vector<documents::InterfaceStatus> &interfaces, bool colour) {
    Table table({{"INTERFACE"}, {"MODE"}, {"PROGRAM"}, {"PUNT"}});
    for (const auto &row : interfaces)
        table.add({row.name,
                   row.mode,
                   {row.attached ? row.shared ? "attached, shared" : "attached" : "not attached",
                    row.attached ? Style::good : Style::bad},
                   row.punt ? Cell("yes") : Cell("no", Style::warning)});
    return table.empty() ? "" : '\n' + table.text(colour);
}

std::string format_status(const documents::NodeStatus &status, bool colour) {
    auto out = node_line(status, colour);
    out += degradation_lines(status.degraded, colour);
    out += status_line("Version", status.version);
    out += status_line("Epoch", std::to_string(status.epoch));
    out += status_line("Uptime", format_duration(status.uptime_seconds));
    if (status.counters_since)
        out += status_line("Counters", "since " + *status.counters_since);
    out += guard_lines(status.guard, colour);
    if (!status.bypassed.empty())
        out +=
            status_line("BYPASSED", fmt::format("{}", fmt::join(status.bypassed, ", ")), Style::bad, colour);
    if (status.confirmation)
        out += status_line("Pending",
                           fmt::format("reverts in {} unless confirmed (glbctl confirm)",
                                       format_duration(status.confirmation->seconds_left)),
                           Style::warning, colour);
    out += flows_line(status.flows);
    out += targets_line(status.targets);
    return out + interfaces_table(status.interfaces, colour);
}

} // namespace

void add_status(CLI::App &app, Context &context) {
    const auto check = std::make_shared<bool>(false);
    auto *command = add_command(
        app, context, "status", "Show the state of the node",
        {"glbctl status", "glbctl status --check || echo 'not well'",
         "glbctl -o json status | jq -r '.degraded[] | [.severity, .where, .message, .fix] | @tsv'"},
        [&context, check] {
            const auto reply = request(context, "GET", "/v1/status");
            const int shown = show(context, reply, formatter<documents::NodeStatus>([&](const auto &status) {
                                       return format_status(status, context.colour);
                                   }));
            if (shown != exit_done || !*check)
                return shown;
            const auto status = documents::from_json<documents::NodeStatus>(reply.document);
            return status ? check_status(*status) : exit_refused;
        });
    command->add_flag("--check", *check,
                      "exit with status 1 unless the node is ready and nothing of severity error is wrong");
}

} // namespace glb::cli
