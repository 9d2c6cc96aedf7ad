#include "controller/api/v1/parameters.h"

#include <algorithm>
#include <system_error>

#include "controller/api/v1/responses.h"
#include "controller/util/numbers.h"

namespace glb::api {

Result<Parameters, HttpResponse>
read_parameters(const std::vector<std::pair<std::string, std::string>> &query,
                std::initializer_list<std::string_view> allowed) {
    Parameters values;
    for (const auto &[name, text] : query) {
        if (std::ranges::find(allowed, std::string_view(name)) == allowed.end())
            return tl::unexpected(parameter_error(name, "unknown parameter"));
        if (!values.emplace(name, text).second)
            return tl::unexpected(parameter_error(name, "given more than once"));
    }
    return values;
}

Result<bool, HttpResponse> flag_parameter(const Parameters &parameters, std::string_view name) {
    const auto found = parameters.find(name);
    if (found == parameters.end() || found->second == "false")
        return false;
    if (found->second == "true")
        return true;
    return tl::unexpected(parameter_error(name, "allowed are true and false"));
}

Result<std::optional<std::uint32_t>, HttpResponse>
number_parameter(const Parameters &parameters, std::string_view name, std::uint32_t most) {
    const auto found = parameters.find(name);
    if (found == parameters.end())
        return std::nullopt;
    const auto value = parse_number<std::uint32_t>(found->second);
    if (!value || *value < 1 || *value > most)
        return tl::unexpected(parameter_error(name, fmt::format("allowed are 1 to {}", most)));
    return value;
}

} // namespace glb::api
