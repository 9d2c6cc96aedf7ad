// glbctl status: the node at a glance.
#include "controller/documents/status.h"
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/table.h"

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
    auto out = status_line("Guard", text, style, colour);
    for (const auto &warning : guard.warnings)
        out += status_line("Warning", warning, Style::warning, colour);
    return out;
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
    auto out = status_line(
        "Node", status.node + (status.ready ? ", ready" : ", NOT READY: " + or_dash(status.not_ready_reason)),
        status.ready ? Style::good : Style::bad, colour);
    out += status_line("Version", status.version);
    out += status_line("Epoch", std::to_string(status.epoch));
    out += status_line("Uptime", format_duration(status.uptime_seconds));
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
    add_command(app, context, "status", "Show the state of the node",
                {"glbctl status", "glbctl -o json status | jq .ready"}, [&context] {
                    return get(context, "/v1/status", {},
                               formatter<documents::NodeStatus>([&](const auto &status) {
                                   return format_status(status, context.colour);
                               }));
                });
}

} // namespace glb::cli
