// glbctl counters: what the data path counts apart from drops.
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/commands/count_table.h"

namespace glb::cli {

void add_counters(CLI::App &app, Context &context) {
    add_command(app, context, "counters", "List every other counter of the data path",
                {"glbctl counters", "watch -d glbctl counters"}, [&context] {
                    return get(context, "/v1/counters", {},
                               formatter<documents::CounterList>([&](const auto &document) {
                                   return format_counters(document.counters, "COUNTER", false,
                                                          context.colour);
                               }));
                });
}

} // namespace glb::cli
