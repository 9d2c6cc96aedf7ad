// glbctl diff: what apply would change.
#include <memory>

#include "cli/command_line.h"
#include "cli/commands/changes.h"
#include "cli/commands/commands.h"

namespace glb::cli {

void add_diff(CLI::App &app, Context &context) {
    const auto file = std::make_shared<std::string>();
    auto *command = add_command(
        app, context, "diff", "Show what apply would change",
        {"glbctl diff manifest.json", "glbctl -o json diff manifest.json | jq '.changes | length'"},
        [&context, file] { return send_manifest(context, *file, {.only_diff = true}); });
    command->add_option("FILE", *file, "manifest; - is stdin")->required();
}

} // namespace glb::cli
