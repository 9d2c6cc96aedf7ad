#include "cli/client.h"

#include <cerrno>
#include <chrono>
#include <tuple>

#include "cli/output.h"
#include "lib/http/http.h"
#include "lib/http/uri.h"

namespace glb::cli {

namespace {

using nlohmann::json;

/// How long the daemon may take. Views come at once from a daemon that works; a flow table of millions takes
/// seconds; a change may wait for the kernel and the disk.
std::chrono::seconds request_timeout(const std::string &method, const std::string &target) {
    if (method != "GET")
        return std::chrono::minutes(2);
    return std::chrono::seconds(target.starts_with("/v1/flows") ? 60 : 5);
}

/// Exit status and message for a request without a response.
std::pair<int, std::string> explain_failure(const Context &context, const Error &error,
                                            std::chrono::seconds timeout) {
    switch (error.code) {
    case ENOENT:
    case ECONNREFUSED:
        return {
            exit_no_daemon,
            fmt::format("no daemon answers at {}; is glbd running, and is --socket right?", context.socket)};
    case EACCES:
    case EPERM:
        return {exit_refused,
                fmt::format("{}: permission denied; requires root or membership in the group glb",
                            context.socket)};
    case ETIMEDOUT:
        return {exit_no_daemon,
                fmt::format(
                    "the daemon at {} does not answer within {} s; is it stopped, or the machine overloaded?",
                    context.socket, timeout.count())};
    default:
        return {exit_no_daemon, "no response from the daemon: " + error.message};
    }
}

std::string invalid_response(const Context &context, const std::string &reason) {
    return fmt::format("invalid response from {} ({}): is this glbd's socket?", context.socket, reason);
}

void read_response(const Context &context, Reply &reply) {
    reply.document = json::parse(reply.text, nullptr, false);
    if (reply.document.is_discarded())
        reply.failure = invalid_response(context, fmt::format("HTTP {}, not JSON", reply.status));
    if (reply.document.is_discarded() || reply.status >= 400)
        reply.exit = exit_refused;
}

} // namespace

Reply try_request(const Context &context, const std::string &method, const std::string &target,
                  const std::string &body) {
    Reply reply;
    const auto timeout = request_timeout(method, target);
    auto response = http_request(context.socket, method, target, body, timeout);
    if (!response) {
        std::tie(reply.exit, reply.failure) = explain_failure(context, response.error(), timeout);
        return reply;
    }
    reply.status = response->status;
    reply.text = std::move(response->body);
    read_response(context, reply);
    return reply;
}

Reply request(const Context &context, const std::string &method, const std::string &target,
              const std::string &body) {
    auto reply = try_request(context, method, target, body);
    if (!reply.failure.empty())
        (void)fail_command(context, reply.failure);
    return reply;
}

int show(const Context &context, const Reply &reply, const Formatter &format) {
    if (!reply.failure.empty())
        return reply.exit;
    if (reply.status >= 400)
        print_errors(errors_of(reply.document));
    if (context.output == Output::json) { // error documents too
        print(reply.text);
    } else if (reply.exit == exit_done) {
        const auto text = format(reply.document);
        if (!text) {
            print_error(invalid_response(context, text.error().message));
            return exit_refused;
        }
        print(*text);
    }
    return reply.exit;
}

int get(const Context &context, const std::string &path, const Query &query, const Formatter &format) {
    return show(context, request(context, "GET", with_query(path, query)), format);
}

int post(const Context &context, const std::string &path, const Query &query, const Formatter &format) {
    return show(context, request(context, "POST", with_query(path, query)), format);
}

int stream(const Context &context, const std::string &path, const Query &query) {
    const auto timeout = request_timeout("GET", path);
    std::uint64_t received = 0;
    bool has_begun = false;
    bool is_json = true;
    auto response = http_stream(
        context.socket, "GET", with_query(path, query),
        [&](const HttpResponse &head, std::string_view piece) {
            has_begun = true;
            is_json = head.content_type.starts_with("application/json");
            received += piece.size();
            return is_json && print(piece);
        },
        timeout);
    if (!is_json)
        return fail_command(context, invalid_response(context, "not JSON"));
    if (!response && response.error().code == ECANCELED)
        return exit_refused; // stdout failed: flush_output() returns the reason
    if (!response && has_begun) {
        print_error(fmt::format("the output is incomplete: the response broke off after {} bytes: {}",
                                received, response.error().message));
        return exit_refused;
    }
    Reply reply;
    if (!response) {
        std::tie(reply.exit, reply.failure) = explain_failure(context, response.error(), timeout);
        (void)fail_command(context, reply.failure);
        return reply.exit;
    }
    if (response->status < 400)
        return exit_done;
    reply.status = response->status;
    reply.text = std::move(response->body);
    read_response(context, reply);
    if (!reply.failure.empty())
        (void)fail_command(context, reply.failure);
    return show(context, reply, {});
}

} // namespace glb::cli
