// HTTP responses of the API. Private to the library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/documents/document.h"
#include "controller/util/api_error.h"
#include "controller/util/result.h"
#include "lib/http/http.h"

namespace glb::api {

[[nodiscard]] HttpResponse ok(const nlohmann::json &document);
[[nodiscard]] HttpResponse error_response(unsigned status, const std::vector<ApiError> &errors);
/// An error of the request as a whole.
[[nodiscard]] HttpResponse error_response(unsigned status, std::string message);
/// With the status that Error::code selects.
[[nodiscard]] HttpResponse error_response(const Error &error);
/// An error of the query parameter `name`.
[[nodiscard]] HttpResponse parameter_error(std::string_view name, std::string message);

template <typename T>
[[nodiscard]] HttpResponse respond_with(const Result<T> &result) {
    return result ? ok(*result) : error_response(result.error());
}

} // namespace glb::api
