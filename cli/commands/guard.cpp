// glbctl guard: what the guard covers and has blocked.
#include "controller/documents/guard.h"
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/table.h"

namespace glb::cli {

namespace {

std::string format_guard(const documents::Guard &guard, bool colour) {
    auto out = colorize(guard.installed ? "installed" : "NOT INSTALLED",
                        guard.installed ? Style::good : Style::bad, colour);
    out += fmt::format("; blocked {}, {}; repaired {}\n", format_count(guard.uninspected.packets, "packet"),
                       format_bytes(guard.uninspected.bytes), format_count(guard.restored, "time"));
    for (const auto &warning : guard.warnings)
        out += colorize(sanitize("warning: " + warning), Style::warning, colour) + '\n';

    Table table({{"INTERFACE"}, {"VLAN"}, {"ENDPOINT"}, {"WHEN DETACHED"}, {"GUARDED"}, {"PUNT"}});
    const auto yes_or_no = [](bool yes) { return Cell(yes ? "yes" : "no", yes ? Style::good : Style::bad); };
    for (const auto &row : guard.interfaces)
        table.add({row.name, row.vlan.ids.empty() ? "-" : fmt::format("{}", fmt::join(row.vlan.ids, ".")),
                   row.endpoint, row.when_detached, yes_or_no(row.guarded), yes_or_no(row.punt)});
    return table.empty() ? out : out + '\n' + table.text(colour);
}

} // namespace

void add_guard(CLI::App &app, Context &context) {
    add_command(app, context, "guard", "Show guard status and blocked packets",
                {"glbctl guard", "glbctl -o json guard | jq .uninspected.packets"}, [&context] {
                    return get(context, "/v1/guard", {}, formatter<documents::Guard>([&](const auto &guard) {
                                   return format_guard(guard, context.colour);
                               }));
                });
}

} // namespace glb::cli
