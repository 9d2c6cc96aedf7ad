// ApiError: an error in a request, and its place.
#pragma once

#include <string>

namespace glb {

/// `pointer` is a JSON pointer (RFC 6901) into the request body, or "/NAME" for the query parameter NAME;
/// empty: the whole request.
struct ApiError {
    std::string pointer;
    std::string message;

    bool operator==(const ApiError &) const = default;
};

} // namespace glb
