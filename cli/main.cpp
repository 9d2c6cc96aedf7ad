// glbctl: the command line of glbd. This file reads the options; each command has a file in commands/.
#include <cstdlib>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "controller/util/standard_descriptors.h"

namespace {

using namespace glb::cli;

bool wants_colour() {
    const char *no_color = std::getenv("NO_COLOR"); // no-color.org: any value but the empty one
    const char *terminal = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && (!no_color || !*no_color) &&
           !(terminal && std::string_view(terminal) == "dumb");
}

/// A full disk or a closed pipe is an error.
int finish(int status) {
    const auto written = flush_output();
    if (written)
        return status;
    print_error(written.error().message);
    return status == exit_done ? exit_refused : status;
}

} // namespace

int main(int argc, char **argv) {
    if (::fcntl(STDOUT_FILENO, F_GETFD) == -1)
        expect_no_output();
    if (!glb::open_standard_descriptors())
        return exit_refused;
    Context context;
    context.colour = wants_colour();

    CLI::App app{"Control the gateway load balancer glbd.", "glbctl"};
    app.set_version_flag("--version", "glbctl " GLB_VERSION);
    app.add_option("--socket", context.socket, "Unix socket of the daemon")
        ->type_name("PATH")
        ->capture_default_str();
    app.add_option_function<std::string>(
           "-o,--output",
           [&](const std::string &name) { context.output = name == "json" ? Output::json : Output::table; },
           "table (default), or json: one document, as the daemon sent it")
        ->check(CLI::IsMember({"table", "json"}).description("")) // type_name() lists them
        ->type_name("table|json");
    app.footer("Examples:\n"
               "  glbctl check manifest.json && glbctl apply manifest.json\n"
               "  glbctl status\n"
               "  glbctl -o json targets | jq '.targets[].state'\n"
               "Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 no daemon answers.\n"
               "See glbctl COMMAND --help for options and examples, and glbctl(1).");
    app.require_subcommand(1);
    app.fallthrough(); // -o and --socket are accepted after the command too
    add_commands(app, context);
    add_planned_commands(app, context);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() == 0) // --help, --version
            return finish(app.exit(error));
        print_error(usage_error(app, error));
        return exit_usage;
    }
    return finish(context.run());
}
