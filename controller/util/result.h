// Result<T>: what a function returns whose failure its caller can act on.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

#include <fmt/format.h>

namespace glb {

/// A failure, told to a person: what failed, at which place, and where possible how to mend it.
/// `code` is an errno value where a system call failed, else 0. `pointer` (RFC 6901) is the manifest's member
/// that mends it, where there is one.
struct Error {
    std::string message;
    int code = 0;
    std::string pointer = {};
};

template <typename T, typename E = Error>
using Result = tl::expected<T, E>;

/// The success of an operation that has nothing to return.
using Status = Result<void>;

/// Builds the failed side of a Result from a format string.
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail(fmt::format_string<Args...> format, Args &&...args) {
    return tl::unexpected<Error>(Error{fmt::format(format, std::forward<Args>(args)...)});
}

/// The same for a failed system call: the text of `code` (an errno value, positive) is appended.
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail_errno(int code, fmt::format_string<Args...> format, Args &&...args) {
    return tl::unexpected<Error>(
        Error{fmt::format(format, std::forward<Args>(args)...) + ": " + std::generic_category().message(code),
              code});
}

} // namespace glb

/// Returns the error of `expr` from the enclosing function where there is one.
#define GLB_TRY(expr)                                                                                        \
    do {                                                                                                     \
        auto glb_try_result = (expr);                                                                        \
        if (!glb_try_result)                                                                                 \
            return ::tl::unexpected(std::move(glb_try_result).error());                                      \
    } while (0)

/// `GLB_ASSIGN(auto fd, open_it())`: declares or assigns the value, or returns the error.
#define GLB_ASSIGN(decl, expr) GLB_ASSIGN_(decl, expr, __LINE__)
#define GLB_ASSIGN_(decl, expr, line) GLB_ASSIGN__(decl, expr, line)
#define GLB_ASSIGN__(decl, expr, line)                                                                       \
    auto glb_result_##line = (expr);                                                                         \
    if (!glb_result_##line)                                                                                  \
        return ::tl::unexpected(std::move(glb_result_##line).error());                                       \
    decl = std::move(*glb_result_##line)
