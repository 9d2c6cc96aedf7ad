// glbctl confirm: ends the wait for confirmation that apply --confirm began.
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "controller/documents/overrides.h"

namespace glb::cli {

void add_confirm(CLI::App &app, Context &context) {
    add_command(
        app, context, "confirm",
        "Confirm the manifest that apply --confirm or rollback --confirm activated; from a new connection, "
        "to show that the node is still reachable",
        {"glbctl confirm"}, [&context] {
            return post(context, "/v1/confirm", {}, formatter<documents::Confirm>([](const auto &) {
                            return std::string("confirmed\n");
                        }));
        });
}

} // namespace glb::cli
