// The command line of glbctl: how commands are declared, and errors of usage.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/context.h"

namespace glb::cli {

/// Adds a command with its help and examples (one per line). `run` returns the exit status.
CLI::App *add_command(CLI::App &app, Context &context, const std::string &name,
                      const std::string &description, const std::vector<std::string> &examples,
                      std::function<int()> run);

/// What is wrong with the command line, in one line that names the relevant help.
[[nodiscard]] std::string usage_error(const CLI::App &app, const CLI::ParseError &error);

} // namespace glb::cli
