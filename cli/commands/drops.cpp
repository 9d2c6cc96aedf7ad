// glbctl drops: why packets are not forwarded.
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/commands/count_table.h"

namespace glb::cli {

void add_drops(CLI::App &app, Context &context) {
    add_command(app, context, "drops", "List every drop reason with its count, including zero",
                {"glbctl drops", "glbctl -o json drops | jq '.drops[] | select(.packets > 0)'"}, [&context] {
                    return get(context, "/v1/drops", {},
                               formatter<documents::DropList>([&](const auto &document) {
                                   return format_counters(document.drops, "REASON", true, context.colour);
                               }));
                });
}

} // namespace glb::cli
