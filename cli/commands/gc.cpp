// glbctl gc: removes what an older version or a daemon that is gone left.
#include <memory>

#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/table.h"
#include "controller/documents/removal.h"

namespace glb::cli {

namespace {

std::string format_leftovers(const documents::GarbageCollection &document, bool colour) {
    Table table({{document.removed ? "REMOVED" : "WOULD BE REMOVED"}, {"NAME"}});
    for (const auto &row : document.leftovers)
        table.add({row.kind, row.pin});
    return table.empty() ? "nothing to remove\n" : table.text(colour);
}

} // namespace

void add_gc(CLI::App &app, Context &context) {
    const auto dry_run = std::make_shared<bool>(false);
    auto *command = add_command(
        app, context, "gc",
        "Remove unused pins (of older versions, interrupted starts, deleted interfaces) and abandoned guards",
        {"glbctl gc --dry-run", "glbctl gc"}, [&context, dry_run] {
            return post(context, "/v1/gc", flag_query("dryRun", *dry_run),
                        formatter<documents::GarbageCollection>([&](const auto &document) {
                            return format_leftovers(document, context.colour);
                        }));
        });
    command->add_flag("--dry-run", *dry_run, "list what would be removed, and remove nothing");
}

} // namespace glb::cli
