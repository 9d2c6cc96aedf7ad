// Names that are reserved for commands of later versions.
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/output.h"

namespace glb::cli {

void add_planned_commands(CLI::App &app, Context &context) {
    for (const std::string name : {"init", "explain", "trace", "capture", "top", "doctor"}) {
        auto *command = add_command(app, context, name, "Not yet supported", {}, [&context, name] {
            return fail_command(context, name + " is not yet supported");
        });
        command->group("");                            // not in the help
        command->fallthrough(false)->prefix_command(); // accepts any options
    }
}

} // namespace glb::cli
