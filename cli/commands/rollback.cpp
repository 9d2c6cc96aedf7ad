// glbctl rollback: applies a manifest of the history.
#include <memory>

#include "cli/command_line.h"
#include "cli/commands/changes.h"
#include "cli/commands/commands.h"
#include "controller/documents/history.h"
#include "lib/http/uri.h"

namespace glb::cli {

namespace {

int roll_back(const Context &context, std::uint32_t back, const ChangeOptions &options) {
    auto query = query_of(options);
    query.emplace_back("back", std::to_string(back));
    return show_changes(context, request(context, "POST", with_query("/v1/rollback", query)), options,
                        "the manifest of the history");
}

} // namespace

void add_rollback(CLI::App &app, Context &context) {
    const auto back = std::make_shared<std::uint32_t>(1);
    const auto options = std::make_shared<ChangeOptions>();
    auto *command =
        add_command(app, context, "rollback", "Apply a manifest of the history",
                    {"glbctl rollback", "glbctl rollback 3 --dry-run", "glbctl rollback --confirm 60"},
                    [&context, back, options] { return roll_back(context, *back, *options); });
    command->add_option("N", *back, "position in the history; 1, the previous manifest, by default")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, documents::max_history_entries - 1));
    add_change_options(*command, *options);
}

} // namespace glb::cli
