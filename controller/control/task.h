// Task: a coroutine of the control thread, and the macros that replace GLB_TRY and GLB_ASSIGN in it.
#pragma once

#include <exception>

#include <boost/asio/awaitable.hpp>

#include "controller/util/result.h"

namespace glb::control {

/// Each co_await is a full statement or a complete initializer: in a condition, g++ 12 destroys the temporary
/// awaitable twice. It also does so with an argument in braces, so arguments that need a destructor have names.
template <typename T>
using Task = boost::asio::awaitable<T>;

/// For co_spawn(): an exception ends the daemon rather than the coroutine alone.
inline void rethrow(const std::exception_ptr &exception) {
    if (exception)
        std::rethrow_exception(exception);
}

} // namespace glb::control

/// Returns the error of `expr`, if any, from the enclosing coroutine.
#define GLB_CO_TRY(expr)                                                                                     \
    do {                                                                                                     \
        auto glb_try_result = expr;                                                                          \
        if (!glb_try_result)                                                                                 \
            co_return ::tl::unexpected(std::move(glb_try_result).error());                                   \
    } while (0)

/// Declares or assigns the value of `expr`, or returns its error from the enclosing coroutine.
#define GLB_CO_ASSIGN(decl, expr) GLB_CO_ASSIGN_EXPAND(decl, expr, __LINE__)
#define GLB_CO_ASSIGN_EXPAND(decl, expr, line) GLB_CO_ASSIGN_LINE(decl, expr, line)
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration takes none
#define GLB_CO_ASSIGN_LINE(decl, expr, line)                                                                 \
    auto glb_result_##line = expr;                                                                           \
    if (!glb_result_##line)                                                                                  \
        co_return ::tl::unexpected(std::move(glb_result_##line).error());                                    \
    decl = std::move(*glb_result_##line)
// NOLINTEND(bugprone-macro-parentheses)
