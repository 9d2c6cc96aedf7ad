// glbctl undrain: cancels a drain.
#include <memory>

#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/commands/drain_request.h"

namespace glb::cli {

void add_undrain(CLI::App &app, Context &context) {
    const auto target = std::make_shared<std::string>();
    auto *command =
        add_command(app, context, "undrain", "Cancel a drain", {"glbctl undrain firewalls/fw-1"},
                    [&context, target] { return post_drain(context, *target, "undrain", false); });
    command->add_option("TARGET", *target, "the target, as GROUP/TARGET")->required();
}

} // namespace glb::cli
