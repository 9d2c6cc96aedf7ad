// glbctl check: reads a manifest as the daemon would, without a daemon.
#include <memory>

#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "controller/config/unsupported_features.h"

namespace glb::cli {

namespace {

std::vector<ApiError> errors_in(const std::string &text) {
    std::vector<ApiError> errors;
    if (const auto manifest = config::parse_supported_manifest(text); !manifest)
        for (const auto &[pointer, message] : manifest.error())
            errors.push_back({pointer, message});
    return errors;
}

int check(const Context &context, const std::string &file, bool here) {
    if (here)
        return fail_command(context, "check --here is not yet supported");
    const auto text = read_input(file);
    if (!text)
        return fail_command(context, text.error().message);
    const auto errors = errors_in(*text);
    print_errors(input_name(file), errors);
    if (context.output == Output::json)
        print(error_document(errors));
    else if (errors.empty())
        print(input_name(file) + ": OK\n");
    return errors.empty() ? exit_done : exit_refused;
}

} // namespace

void add_check(CLI::App &app, Context &context) {
    const auto file = std::make_shared<std::string>();
    const auto here = std::make_shared<bool>(false);
    auto *command =
        add_command(app, context, "check", "Check a manifest, without a daemon",
                    {"glbctl check /etc/glb/manifest.json", "glbctl -o json check - < manifest.json"},
                    [&context, file, here] { return check(context, *file, *here); });
    command->add_option("FILE", *file, "manifest; - is stdin")->required();
    command->add_flag("--here", *here, "check against this machine too (not yet supported)");
}

} // namespace glb::cli
