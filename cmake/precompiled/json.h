// nlohmann's templates are instantiated once, in json.cpp: half of what a small file costs that uses JSON.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#ifndef GLB_JSON_TEMPLATE
#define GLB_JSON_TEMPLATE extern template
#endif

#define GLB_JSON_INPUT nlohmann::detail::iterator_input_adapter<std::string::const_iterator>
GLB_JSON_TEMPLATE class nlohmann::basic_json<>;
GLB_JSON_TEMPLATE class nlohmann::detail::serializer<nlohmann::json>;
GLB_JSON_TEMPLATE class nlohmann::detail::parser<nlohmann::json, GLB_JSON_INPUT>;
GLB_JSON_TEMPLATE class nlohmann::detail::lexer<nlohmann::json, GLB_JSON_INPUT>;
#undef GLB_JSON_INPUT
