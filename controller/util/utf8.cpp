#include "controller/util/utf8.h"

#include <nlohmann/json.hpp>

namespace glb {

std::string to_valid_utf8(std::string_view text) {
    using nlohmann::json;
    return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

} // namespace glb
