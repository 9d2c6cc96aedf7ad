// Requests to the daemon, and handling of the responses.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/context.h"
#include "controller/documents/document.h"
#include "controller/util/result.h"

namespace glb::cli {

using Query = std::vector<std::pair<std::string, std::string>>;

/// `name`=true if `set`, else nothing.
[[nodiscard]] inline Query flag_query(const std::string &name, bool set) {
    return set ? Query{{name, "true"}} : Query{};
}

/// The result of one request. The daemon has 5 s for a view, 60 s for flows and 2 minutes for a change.
struct Reply {
    int exit = exit_done;    ///< if not exit_done, the request failed, and `status` and `text` may be empty
    unsigned status = 0;     ///< 0: no response
    std::string failure;     ///< why there is no document; empty: there is one
    std::string text;        ///< as received
    nlohmann::json document; ///< parsed
};
[[nodiscard]] Reply try_request(const Context &context, const std::string &method, const std::string &target,
                                const std::string &body = {});

/// The same; a failure is printed as by fail_command(), but not the errors of a response with status 4xx or 5xx.
[[nodiscard]] Reply request(const Context &context, const std::string &method, const std::string &target,
                            const std::string &body = {});

/// The text that is printed for a document. An error: the document has another form than expected.
using Formatter = std::function<Result<std::string>(const nlohmann::json &)>;

/// Prints the response to stdout: with -o json the document as received, else the output of `format`. Errors
/// are printed on stderr. Returns the exit status.
int show(const Context &context, const Reply &reply, const Formatter &format);

/// show() of one request.
int get(const Context &context, const std::string &path, const Query &query, const Formatter &format);
int post(const Context &context, const std::string &path, const Query &query, const Formatter &format);

/// GET of a document of any size: what arrives is printed to stdout unparsed, in constant memory. Returns the
/// exit status; exit_refused if the connection ended before the document did.
int stream(const Context &context, const std::string &path, const Query &query);

/// A Formatter of the typed document: `format` maps a const T & to its text.
template <documents::Document T, typename Format>
[[nodiscard]] Formatter formatter(Format format) {
    return [format = std::move(format)](const nlohmann::json &json) -> Result<std::string> {
        GLB_ASSIGN(const auto document, documents::from_json<T>(json));
        return format(document);
    };
}

} // namespace glb::cli
