// The body of every response with a status of 4xx or 5xx, and what `glbctl check` prints.
#pragma once

#include <vector>

#include "controller/documents/document.h"
#include "controller/util/api_error.h"

namespace glb::documents {

template <>
struct MembersOf<ApiError> {
    static constexpr auto list() {
        return std::tuple{member("pointer", &ApiError::pointer), member("message", &ApiError::message)};
    }
};

struct Errors {
    std::vector<ApiError> errors;

    static constexpr auto members() { return std::tuple{required("errors", &Errors::errors)}; }
    bool operator==(const Errors &) const = default;
};

} // namespace glb::documents
