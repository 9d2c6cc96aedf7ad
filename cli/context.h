// What every command of glbctl shares: the options of all commands, and the exit statuses.
#pragma once

#include <functional>
#include <string>

namespace glb::cli {

enum Exit : int { exit_done = 0, exit_refused = 1, exit_usage = 2, exit_no_daemon = 3 };

enum class Output { table, json };

/// Set by the options of the command line; `run` by the command.
struct Context {
    std::string socket = "/run/glb/glbd.sock";
    Output output = Output::table;
    bool colour = false; ///< stdout is a terminal, and NO_COLOR is not set
    std::function<int()> run;
};

} // namespace glb::cli
