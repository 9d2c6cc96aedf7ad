#include "cli/command.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <memory>
#include <tuple>

#include "cli/render.h"
#include "controller/api/http/http.h"
#include "controller/api/http/uri.h"
#include "controller/config/parser.h"
#include "controller/config/suggestions.h"
#include "controller/util/files.h"

namespace glb::cli {

namespace {

using nlohmann::json;

/// How long the daemon may take. What is only told comes at once from a daemon that lives; a flow table of
/// millions is read beside its loop, and takes seconds; a change may wait for the kernel and the disk.
std::chrono::seconds request_timeout(const std::string &method, const std::string &target) {
    if (method != "GET")
        return std::chrono::minutes(2);
    return std::chrono::seconds(target.starts_with("/v1/flows") ? 60 : 5);
}

/// The command's own exit status and words for a failed exchange; who may not ask was refused, and that is
/// another thing than a daemon that is not there.
std::pair<int, std::string> explain_failure(const Context &context, const Error &error,
                                            std::chrono::seconds waited) {
    switch (error.code) {
    case ENOENT:
    case ECONNREFUSED:
        return {
            exit_no_daemon,
            fmt::format("no daemon answers at {}; is glbd running, and is --socket right?", context.socket)};
    case EACCES:
    case EPERM:
        return {exit_refused,
                fmt::format("{}: permission denied; be root or a member of the group glb", context.socket)};
    case ETIMEDOUT:
        return {exit_no_daemon,
                fmt::format("the daemon at {} does not answer within {} s; is it stopped, or the machine "
                            "overloaded?",
                            context.socket, waited.count())};
    default:
        return {exit_no_daemon, "no answer from the daemon: " + error.message};
    }
}

} // namespace

CLI::App *add_command(CLI::App &app, Context &context, const std::string &name,
                      const std::string &description, const std::vector<std::string> &examples,
                      std::function<int()> run) {
    auto *command = app.add_subcommand(name, description);
    if (!examples.empty())
        command->footer(fmt::format("Examples:\n  {}", fmt::join(examples, "\n  ")));
    command->callback([&context, run = std::move(run)] { context.run = run; });
    return command;
}

std::string wrong_usage(const CLI::App &app, const CLI::ParseError &error) {
    const std::string_view what = error.what();
    const auto options = app.get_options();
    if (std::any_of(options.begin(), options.end(),
                    [&](const auto *option) { return what.starts_with(option->get_name() + ": "); }))
        return fmt::format("{}; see glbctl --help", what); // an option of all commands, wherever it stood
    const auto named = app.get_subcommands();
    if (!named.empty())
        return fmt::format("{}; see glbctl {} --help", error.what(), named.front()->get_name());
    std::vector<std::string_view> names;
    for (const auto *command : app.get_subcommands({}))
        if (!command->get_group().empty())
            names.push_back(command->get_name());
    const auto words = app.remaining();
    const auto word =
        std::find_if(words.begin(), words.end(), [](const auto &text) { return !text.starts_with('-'); });
    if (word != words.end())
        return fmt::format("there is no command \"{}\"{}", *word, suggest_or_list(*word, names));
    if (words.empty() && dynamic_cast<const CLI::RequiredError *>(&error))
        return fmt::format("a command is missing; there are: {}", fmt::join(names, ", "));
    return fmt::format("{}; see glbctl --help",
                       words.empty() ? error.what() : fmt::format("there is no option {}", words.front()));
}

Reply try_request(const Context &context, const std::string &method, const std::string &target,
                  const std::string &body) {
    Reply answer;
    const auto limit = request_timeout(method, target);
    auto response = http_request(context.socket, method, target, body, limit);
    if (!response) {
        std::tie(answer.exit, answer.failure) = explain_failure(context, response.error(), limit);
        return answer;
    }
    answer.status = response->status;
    answer.text = std::move(response->body);
    answer.document = json::parse(answer.text, nullptr, false);
    if (answer.document.is_discarded()) {
        answer.failure = fmt::format("what answers at {} is no glbd: its answer (status {}) is no JSON",
                                     context.socket, answer.status);
        answer.exit = exit_refused;
    } else if (answer.status >= 400) {
        answer.exit = exit_refused;
    }
    return answer;
}

Reply request(const Context &context, const std::string &method, const std::string &target,
              const std::string &body) {
    auto answer = try_request(context, method, target, body);
    if (!answer.failure.empty())
        print_error(answer.failure);
    return answer;
}

Reply request_and_print_errors(const Context &context, const std::string &method, const std::string &target) {
    auto answer = request(context, method, target);
    if (answer.status >= 400 && !answer.document.is_discarded())
        print_error(problems_of(answer.document));
    return answer;
}

namespace {

int show_answer(const Context &context, const std::string &method, const std::string &target,
                const Formatter &show) {
    const auto answer = request_and_print_errors(context, method, target);
    if (context.output == Output::json && answer.failure.empty())
        print(answer.text); // of a refusal, too
    else if (answer.exit == exit_done)
        print(show(answer.document));
    return answer.exit;
}

} // namespace

int get(const Context &context, const std::string &path, const Query &query, const Formatter &show) {
    return show_answer(context, "GET", with_query(path, query), show);
}

int post(const Context &context, const std::string &path, const Query &query, const Formatter &show) {
    return show_answer(context, "POST", with_query(path, query), show);
}

void print_error(const std::string &reason) {
    std::fputs(("glbctl: " + sanitize(reason) + '\n').c_str(), stderr);
}

void print_error(const std::vector<ApiError> &problems) {
    for (const auto &[pointer, message] : problems)
        print_error(pointer.empty() ? message : pointer + ": " + message);
}

void print_error(const std::string &file, const std::vector<ApiError> &problems) {
    for (const auto &[pointer, message] : problems)
        std::fputs((sanitize(error_line(file, pointer, message)) + '\n').c_str(), stderr);
}

std::string problem_document(const std::vector<ApiError> &problems) {
    auto errors = json::array();
    for (const auto &[pointer, message] : problems)
        errors.push_back({{"pointer", pointer}, {"message", message}});
    return json{{"errors", std::move(errors)}}.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

int refuse(const Context &context, const std::string &reason) {
    print_error(reason);
    if (context.output == Output::json)
        print(problem_document({{"", reason}}));
    return exit_refused;
}

std::vector<ApiError> problems_of(const json &document) {
    std::vector<ApiError> problems;
    for (const auto &error : array_of(document, "errors"))
        problems.push_back({error.is_object() && error.contains("pointer") ? text_of(error, "pointer") : "",
                            text_of(error, "message")});
    if (problems.empty())
        problems.push_back({"", "the daemon refuses, and gives no reason"});
    return problems;
}

Result<std::string> read_input(const std::string &file) {
    if (file != "-")
        return read_file(file);
    std::string text;
    std::array<char, 65536> chunk{};
    while (const auto count = std::fread(chunk.data(), 1, chunk.size(), stdin))
        text.append(chunk.data(), count);
    if (std::ferror(stdin))
        return fail("stdin cannot be read");
    return text;
}

std::string input_name(const std::string &file) {
    return file == "-" ? "stdin" : file;
}

namespace {

int write_errno = 0; // errno of the first write that failed: the stream itself forgets it

} // namespace

void print(const std::string &text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && write_errno == 0)
        write_errno = errno;
}

Status flush_output() {
    if (std::fflush(stdout) != 0 && write_errno == 0)
        write_errno = errno;
    if (write_errno == 0 && std::ferror(stdout))
        write_errno = EIO;
    return write_errno == 0 ? Status{} : fail_errno(write_errno, "cannot write the output");
}

void add_commands(CLI::App &app, Context &context) {
    add_check(app, context);
    add_manifest_commands(app, context);
    add_status(app, context);
    add_endpoints(app, context);
    add_targets(app, context);
    add_flows(app, context);
    add_counters(app, context);
    add_drain_commands(app, context);
    add_bypass(app, context);
    add_guard_commands(app, context);
}

} // namespace glb::cli
