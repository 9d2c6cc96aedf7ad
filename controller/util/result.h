// Result<T>: the result of a function whose failure the caller can handle.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

#include <fmt/format.h>

namespace glb {

/// A failure for an operator: what failed, where, and if possible how to fix it. `code` is the errno value of
/// a failed system call, else 0. `pointer` (RFC 6901) is the manifest's member to change, if there is one.
struct Error {
    std::string message;
    int code = 0;
    std::string pointer = {};
};

template <typename T, typename E = Error>
using Result = tl::expected<T, E>;

/// The result of an operation without a value.
using Status = Result<void>;

/// Builds the failed side of a Result from a format string.
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail(fmt::format_string<Args...> format, Args &&...args) {
    return tl::unexpected<Error>(Error{fmt::format(format, std::forward<Args>(args)...)});
}

/// The same for a failed system call; the text of `code` (a positive errno value) is appended.
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail_errno(int code, fmt::format_string<Args...> format, Args &&...args) {
    return tl::unexpected<Error>(
        Error{fmt::format(format, std::forward<Args>(args)...) + ": " + std::generic_category().message(code),
              code});
}

} // namespace glb

/// Returns the error of `expr`, if any, from the enclosing function.
#define GLB_TRY(expr)                                                                                        \
    do {                                                                                                     \
        auto glb_try_result = (expr);                                                                        \
        if (!glb_try_result)                                                                                 \
            return ::tl::unexpected(std::move(glb_try_result).error());                                      \
    } while (0)

/// `GLB_ASSIGN(auto fd, open_it())`: declares or assigns the value, or returns the error.
#define GLB_ASSIGN(decl, expr) GLB_ASSIGN_EXPAND(decl, expr, __LINE__)
#define GLB_ASSIGN_EXPAND(decl, expr, line) GLB_ASSIGN_LINE(decl, expr, line)
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration takes none
#define GLB_ASSIGN_LINE(decl, expr, line)                                                                    \
    auto glb_result_##line = (expr);                                                                         \
    if (!glb_result_##line)                                                                                  \
        return ::tl::unexpected(std::move(glb_result_##line).error());                                       \
    decl = std::move(*glb_result_##line)
// NOLINTEND(bugprone-macro-parentheses)
