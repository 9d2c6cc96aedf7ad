// glbctl down: removes the data path and the guard.
#include <memory>

#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/format.h"
#include "cli/output.h"
#include "controller/documents/removal.h"

namespace glb::cli {

namespace {

struct DownOptions {
    bool yes = false;
    bool keep_guard = false;
};

std::string format_down(const documents::Down &document, bool keep_guard) {
    if (document.guard_left)
        return fmt::format("data path removed; the guard was left: {}\n", sanitize(*document.guard_left));
    if (document.guard_kept)
        return "data path removed; guard kept, forwarding stays blocked\n";
    return keep_guard ? "data path removed; no guard was installed\n"
                      : "data path and guard removed: the kernel forwards this traffic uninspected\n";
}

int run_down(const Context &context, const DownOptions &options) {
    if (!options.yes) {
        print_error(
            "this removes the data path and may stop traffic or let it pass uninspected; pass --yes to "
            "confirm");
        return exit_usage;
    }
    return post(context, "/v1/down", flag_query("keepGuard", options.keep_guard),
                formatter<documents::Down>(
                    [&](const auto &document) { return format_down(document, options.keep_guard); }));
}

} // namespace

void add_down(CLI::App &app, Context &context) {
    const auto options = std::make_shared<DownOptions>();
    auto *command =
        add_command(app, context, "down", "Remove the data path (programs, maps, pins), then the guard",
                    {"glbctl down --yes", "glbctl down --yes --keep-guard"},
                    [&context, options] { return run_down(context, *options); });
    command->add_flag("--yes", options->yes, "required confirmation");
    command->add_flag("--keep-guard", options->keep_guard,
                      "keep the guard, which blocks uninspected traffic");
}

} // namespace glb::cli
