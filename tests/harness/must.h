// must(): the value of a Result, where a failure is a fault of the test.
#pragma once

#include <stdexcept>
#include <type_traits>
#include <utility>

#include "controller/util/result.h"

namespace glb::test {

/// Throws std::runtime_error with the error's message. Unlike Catch2's assertions, usable on any thread.
template <typename T>
T must(Result<T> result) {
    if (!result)
        throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

} // namespace glb::test
