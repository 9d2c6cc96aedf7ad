// Query parameters of the API. Private to the library.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/util/result.h"
#include "lib/http/http.h"

namespace glb::api {

using Parameters = std::map<std::string, std::string, std::less<>>;

/// Each at most once; those that are not `allowed` are rejected.
[[nodiscard]] Result<Parameters, HttpResponse>
read_parameters(const std::vector<std::pair<std::string, std::string>> &query,
                std::initializer_list<std::string_view> allowed);

/// False if it is absent.
[[nodiscard]] Result<bool, HttpResponse> flag_parameter(const Parameters &parameters, std::string_view name);

/// A whole number from 1 to `most`; nullopt if it is absent.
[[nodiscard]] Result<std::optional<std::uint32_t>, HttpResponse>
number_parameter(const Parameters &parameters, std::string_view name, std::uint32_t most);

} // namespace glb::api
