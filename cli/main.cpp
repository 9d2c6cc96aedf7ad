// glbctl: the command line of glbd. Each command is in a file of its own; this one reads the options.
#include <cstdlib>
#include <string>
#include <string_view>

#include <unistd.h>

#include "cli/command.h"

namespace {

using namespace glb::cli;

bool wants_colour() {
    const char *no_color = std::getenv("NO_COLOR"); // no-color.org: any value but the empty one
    const char *terminal = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && (!no_color || !*no_color) &&
           !(terminal && std::string_view(terminal) == "dumb");
}

/// A full disk or a closed pipe must not look like success.
int finish(int status) {
    const auto written = flush_output();
    if (written)
        return status;
    print_error(written.error().message);
    return status == exit_done ? exit_refused : status;
}

} // namespace

int main(int argc, char **argv) {
    Context context;
    context.colour = wants_colour();

    CLI::App app{"Controls the gateway load balancer glbd.", "glbctl"};
    app.set_version_flag("--version", "glbctl " GLB_VERSION);
    app.add_option("--socket", context.socket, "Unix socket of the daemon")
        ->type_name("PATH")
        ->capture_default_str();
    app.add_option_function<std::string>(
           "-o,--output",
           [&](const std::string &name) { context.output = name == "json" ? Output::json : Output::table; },
           "table for people (the default), json for programs")
        ->check(CLI::IsMember({"table", "json"}).description("")) // the type's name says it
        ->type_name("table|json");
    app.footer("Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 no daemon answers.\n"
               "glbctl COMMAND --help tells more, with examples.");
    app.require_subcommand(1);
    app.fallthrough(); // so that -o and --socket may stand behind the command too
    add_commands(app, context);
    add_later_commands(app, context);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() == 0) // --help, --version
            return finish(app.exit(error));
        print_error(wrong_usage(app, error));
        return exit_usage;
    }
    return finish(context.run());
}
