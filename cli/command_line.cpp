#include "cli/command_line.h"

#include <algorithm>

#include <fmt/format.h>

#include "controller/config/suggestions.h"

namespace glb::cli {

CLI::App *add_command(CLI::App &app, Context &context, const std::string &name,
                      const std::string &description, const std::vector<std::string> &examples,
                      std::function<int()> run) {
    auto *command = app.add_subcommand(name, description);
    if (!examples.empty())
        command->footer(fmt::format("Examples:\n  {}", fmt::join(examples, "\n  ")));
    command->callback([&context, run = std::move(run)] { context.run = run; });
    return command;
}

std::string usage_error(const CLI::App &app, const CLI::ParseError &error) {
    const std::string_view what = error.what();
    const auto options = app.get_options();
    if (std::any_of(options.begin(), options.end(),
                    [&](const auto *option) { return what.starts_with(option->get_name() + ": "); }))
        return fmt::format("{}; see glbctl --help", what); // an option of all commands, in any position
    const auto named = app.get_subcommands();
    if (!named.empty())
        return fmt::format("{}; see glbctl {} --help", what, named.front()->get_name());
    std::vector<std::string_view> commands;
    for (const auto *command : app.get_subcommands({}))
        if (!command->get_group().empty())
            commands.push_back(command->get_name());
    const auto arguments = app.remaining();
    const auto unknown = std::find_if(arguments.begin(), arguments.end(),
                                      [](const auto &text) { return !text.starts_with('-'); });
    if (unknown != arguments.end())
        return fmt::format("unknown command \"{}\"{}", *unknown, config::suggest_or_list(*unknown, commands));
    if (arguments.empty() && dynamic_cast<const CLI::RequiredError *>(&error))
        return fmt::format("no command given; commands: {}", fmt::join(commands, ", "));
    return fmt::format("{}; see glbctl --help", arguments.empty()
                                                    ? error.what()
                                                    : fmt::format("unknown option {}", arguments.front()));
}

} // namespace glb::cli
