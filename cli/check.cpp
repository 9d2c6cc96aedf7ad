// glbctl check: reads a manifest as the daemon would, without one.
#include <memory>

#include "cli/command.h"
#include "controller/config/unsupported_features.h"

namespace glb::cli {

namespace {

std::vector<ApiError> problems_in(const std::string &text) {
    std::vector<ApiError> problems;
    if (const auto manifest = parse_supported_manifest(text); !manifest)
        for (const auto &[pointer, message] : manifest.error())
            problems.push_back({pointer, message});
    return problems;
}

int check(const Context &context, const std::string &file, bool here) {
    if (here)
        return refuse(context, "check --here is not yet supported");
    const auto text = read_input(file);
    if (!text)
        return refuse(context, text.error().message);
    const auto problems = problems_in(*text);
    print_error(input_name(file), problems);
    if (context.output == Output::json)
        print(problem_document(problems));
    else if (problems.empty())
        print(input_name(file) + ": good\n");
    return problems.empty() ? exit_done : exit_refused;
}

} // namespace

void add_check(CLI::App &app, Context &context) {
    const auto file = std::make_shared<std::string>();
    const auto here = std::make_shared<bool>(false);
    auto *command =
        add_command(app, context, "check", "Checks a manifest, without a daemon",
                    {"glbctl check /etc/glb/manifest.json", "glbctl -o json check - < manifest.json"},
                    [&context, file, here] { return check(context, *file, *here); });
    command->add_option("FILE", *file, "the manifest; - is stdin")->required();
    command->add_flag("--here", *here, "against this machine too (not yet supported)");
}

} // namespace glb::cli
