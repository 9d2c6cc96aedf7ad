// glbctl apply: activates a manifest.
#include <memory>

#include "cli/command_line.h"
#include "cli/commands/changes.h"
#include "cli/commands/commands.h"

namespace glb::cli {

void add_apply(CLI::App &app, Context &context) {
    const auto file = std::make_shared<std::string>();
    const auto options = std::make_shared<ChangeOptions>();
    auto *command =
        add_command(app, context, "apply", "Apply a manifest: completely or, after an error, not at all",
                    {"glbctl apply /etc/glb/manifest.json", "glbctl apply --dry-run manifest.json",
                     "glbctl apply --confirm 60 manifest.json",
                     "jq '.targetGroups[0].targets[0].weight = 0' m.json | glbctl apply -"},
                    [&context, file, options] { return send_manifest(context, *file, *options); });
    command->add_option("FILE", *file, "manifest; - is stdin")->required();
    add_change_options(*command, *options);
}

} // namespace glb::cli
