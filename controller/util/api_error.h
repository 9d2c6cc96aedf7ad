// ApiError: one thing that is wrong with what somebody sent, and where.
#pragma once

#include <string>

namespace glb {

/// `pointer` is a JSON pointer (RFC 6901) into the document sent, or "/NAME" for the query parameter NAME;
/// empty where the whole request is meant.
struct ApiError {
    std::string pointer;
    std::string message;

    bool operator==(const ApiError &) const = default;
};

} // namespace glb
