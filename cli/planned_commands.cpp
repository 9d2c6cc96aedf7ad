// Commands whose names are given away already and whose work is still to come: asked for, they say so.
#include "cli/command.h"

namespace glb::cli {

void add_later_commands(CLI::App &app, Context &context) {
    for (const std::string name : {"init", "explain", "trace", "capture", "top", "doctor"}) {
        auto *command = add_command(app, context, name, "Not yet supported", {}, [name] {
            print_error(name + " is not yet supported");
            return exit_refused;
        });
        command->group("");                            // the help is silent of them
        command->fallthrough(false)->prefix_command(); // with whatever options they will have
    }
}

} // namespace glb::cli
