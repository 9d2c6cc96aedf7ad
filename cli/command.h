// What every command of glbctl shares: options, the way to the daemon, exit statuses.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "controller/util/api_error.h"
#include "controller/util/result.h"

namespace glb::cli {

enum Exit : int { exit_done = 0, exit_refused = 1, exit_usage = 2, exit_no_daemon = 3 };

enum class Output { table, json };

/// Set by the options of the command line; `run` by the command that was named.
struct Context {
    std::string socket = "/run/glb/glbd.sock";
    Output output = Output::table;
    bool colour = false; ///< stdout is a terminal, and NO_COLOR is not set
    std::function<int()> run;
};

using Query = std::vector<std::pair<std::string, std::string>>;

/// `name`=true where `set`, else nothing.
[[nodiscard]] inline Query flag_query(const std::string &name, bool set) {
    return set ? Query{{name, "true"}} : Query{};
}

/// Adds a command with its help and examples (one a line); `run` returns its exit status.
CLI::App *add_command(CLI::App &app, Context &context, const std::string &name,
                      const std::string &description, const std::vector<std::string> &examples,
                      std::function<int()> run);

/// What is wrong with the command line, in a line that names where to read on.
[[nodiscard]] std::string wrong_usage(const CLI::App &app, const CLI::ParseError &error);

/// One exchange with the daemon, which has 5 s for what is only told, more for flows and for changes.
struct Reply {
    int exit = exit_done; ///< other than exit_done: it failed, and `status` and `text` may be empty
    unsigned status = 0;
    std::string failure;     ///< why there is no document; empty: there is one
    std::string text;        ///< as it came
    nlohmann::json document; ///< parsed
};
[[nodiscard]] Reply try_request(const Context &context, const std::string &method, const std::string &target,
                                const std::string &body = {});

/// The same; a failure is told on stderr.
[[nodiscard]] Reply request(const Context &context, const std::string &method, const std::string &target,
                            const std::string &body = {});

/// request() whose refusals are told on stderr too.
[[nodiscard]] Reply request_and_print_errors(const Context &context, const std::string &method,
                                             const std::string &target);

/// What people see of an answer's document.
using Formatter = std::function<std::string(const nlohmann::json &)>;

/// Asks the daemon, and shows the answer: with -o json the document as it came, else what `show` makes of it.
/// Failures go to stderr; the exit status is returned.
int get(const Context &context, const std::string &path, const Query &query, const Formatter &show);

/// The same for what changes something.
int post(const Context &context, const std::string &path, const Query &query, const Formatter &show);

/// "glbctl: REASON" on stderr.
void print_error(const std::string &reason);

/// Each as "glbctl: POINTER: MESSAGE" on stderr, without the pointer where the whole request is meant.
void print_error(const std::vector<ApiError> &problems);

/// What is wrong with a manifest: each as "FILE: POINTER: MESSAGE" on stderr.
void print_error(const std::string &file, const std::vector<ApiError> &problems);

/// The API's error document for these, and what glbctl itself refuses: told on stderr, and as that document
/// where JSON is asked for.
[[nodiscard]] std::string problem_document(const std::vector<ApiError> &problems);
[[nodiscard]] int refuse(const Context &context, const std::string &reason);

/// The problems of the API's error document.
[[nodiscard]] std::vector<ApiError> problems_of(const nlohmann::json &document);

/// The file's text, or of stdin where its name is "-".
[[nodiscard]] Result<std::string> read_input(const std::string &file);

/// How messages call the input: its name, or "stdin".
[[nodiscard]] std::string input_name(const std::string &file);

/// To stdout, which flush_output() brings to its end: a failure of either is told there.
void print(const std::string &text);
[[nodiscard]] Status flush_output();

// The commands, by the file that has them.
void add_check(CLI::App &app, Context &context);
void add_manifest_commands(CLI::App &app,
                           Context &context); ///< apply, diff, export, confirm, history, rollback
void add_status(CLI::App &app, Context &context);
void add_endpoints(CLI::App &app, Context &context);
void add_targets(CLI::App &app, Context &context);
void add_flows(CLI::App &app, Context &context);
void add_counters(CLI::App &app, Context &context);       ///< drops, counters
void add_drain_commands(CLI::App &app, Context &context); ///< drain, undrain
void add_bypass(CLI::App &app, Context &context);
void add_guard_commands(CLI::App &app, Context &context); ///< guard, gc, down

/// Every command there is, in the order of the help.
void add_commands(CLI::App &app, Context &context);

/// Names that only say "not yet supported"; no help shows them.
void add_later_commands(CLI::App &app, Context &context);

} // namespace glb::cli
