// glbctl history: the manifests that were active.
#include "controller/documents/history.h"
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/table.h"

namespace glb::cli {

namespace {

std::string format_history(const documents::History &document, bool colour) {
    Table table({{"BACK", Align::right},
                 {"ACTIVE SINCE"},
                 {"BY"},
                 {"UID", Align::right},
                 {"PID", Align::right},
                 {"EPOCH", Align::right},
                 {"ENDPOINTS", Align::right},
                 {"TARGETS", Align::right},
                 {"FILE"}});
    for (const auto &entry : document.history)
        table.add({std::to_string(entry.back), entry.time, entry.by, or_dash(entry.uid), or_dash(entry.pid),
                   std::to_string(entry.epoch), or_dash(entry.endpoints), or_dash(entry.targets),
                   or_dash(entry.file)});
    return table.text(colour);
}

} // namespace

void add_history(CLI::App &app, Context &context) {
    add_command(app, context, "history", "List the last 20 active manifests, and who applied them",
                {"glbctl history", "glbctl -o json history | jq '.history[1].time'"}, [&context] {
                    return get(context, "/v1/history", {},
                               formatter<documents::History>([&](const auto &document) {
                                   return format_history(document, context.colour);
                               }));
                });
}

} // namespace glb::cli
