#include "controller/config/object_reader.h"

#include <algorithm>
#include <cmath>

#include "controller/config/suggestions.h"
#include "controller/util/numbers.h"

namespace glb::config {

namespace {

using std::chrono::milliseconds;

// Includes 5.0 and 1e3, which JSON does not distinguish from 5 and 1000 (RFC 8259, section 6).
std::optional<std::uint64_t> whole_number(const nlohmann::json &value) {
    if (value.is_number_unsigned())
        return value.get<std::uint64_t>();
    if (!value.is_number_float())
        return std::nullopt;
    const auto number = value.get<double>();
    if (number < 0 || number > static_cast<double>(max_exact) || std::floor(number) != number)
        return std::nullopt;
    return static_cast<std::uint64_t>(number);
}

std::string in_seconds(milliseconds duration) {
    return fmt::format("{:g}", static_cast<double>(duration.count()) / 1000);
}

} // namespace

ObjectReader::ObjectReader(const JsonValue &json) : json_(json) {
    if (!json_.value.is_object())
        json_.add_error("must be an object");
}

const nlohmann::json *ObjectReader::find(std::string_view name) {
    names_.push_back(name);
    if (!json_.value.is_object())
        return nullptr;
    const auto found = json_.value.find(std::string(name));
    return found == json_.value.end() ? nullptr : &*found;
}

void ObjectReader::require(std::string_view name) const {
    if (json_.value.is_object() && !json_.value.contains(std::string(name)))
        json_.add_error(fmt::format("the member \"{}\" is missing", name));
}

void ObjectReader::reject_unknown() const {
    if (!json_.value.is_object())
        return;
    for (const auto &[name, value] : json_.value.items()) {
        if (std::find(names_.begin(), names_.end(), name) != names_.end())
            continue;
        const JsonValue member{value, pointer_to(json_.pointer, name), json_.errors};
        const auto hint = suggestion_suffix(name, names_);
        member.add_error("unknown member" +
                         (hint.empty() ? fmt::format("; valid members: {}", fmt::join(names_, ", ")) : hint));
    }
}

const std::string *read_string(const JsonValue &json, std::string_view expected) {
    if (!json.value.is_string())
        json.add_error(std::string(expected));
    return json.value.get_ptr<const std::string *>();
}

std::optional<std::uint64_t> read_uint(const JsonValue &json, std::uint64_t least, std::uint64_t most) {
    const auto value = whole_number(json.value);
    if (value && *value >= least && *value <= most)
        return value;
    json.add_error(least == most ? fmt::format("must be {}", least)
                                 : fmt::format("must be a whole number from {} to {}", least, most));
    return std::nullopt;
}

std::optional<milliseconds> read_seconds(const JsonValue &json, milliseconds least, milliseconds most) {
    const auto value = json.value.is_number() ? json.value.get<double>() : -1;
    // The quotient is rounded as a decimal literal is, so both are the same double if three decimals are
    // exact.
    const auto whole = std::round(value * 1000);
    if (whole >= static_cast<double>(least.count()) && whole <= static_cast<double>(most.count()) &&
        whole / 1000 == value)
        return milliseconds(static_cast<milliseconds::rep>(whole));
    json.add_error(fmt::format("must be a number of seconds from {} to {}, to the millisecond",
                               in_seconds(least), in_seconds(most)));
    return std::nullopt;
}

std::optional<std::uint64_t> read_number_or_hex(const JsonValue &json, std::uint64_t most) {
    const auto value = json.value.is_string() ? parse_hex_number(json.value.get_ref<const std::string &>())
                                              : whole_number(json.value);
    const auto limit = json.value.is_string() ? most : std::min(most, max_exact);
    if (value && *value <= limit)
        return value;
    if (most > max_exact)
        json.add_error(
            fmt::format("must be a whole number from 0 to {}, or \"0x\" and up to 16 hex digits", max_exact));
    else
        json.add_error(
            fmt::format("must be \"0x\" and hex digits, or a whole number, from 0 to {:#x}", most));
    return std::nullopt;
}

void add_choice_error(const JsonValue &json, const std::vector<std::string_view> &allowed) {
    const auto *given = json.value.get_ptr<const std::string *>();
    const auto hint = given != nullptr ? suggestion_suffix(*given, allowed) : std::string();
    if (allowed.size() == 1)
        json.add_error(fmt::format("must be \"{}\"", allowed.front()));
    else
        json.add_error(fmt::format("must be one of \"{}\"{}", fmt::join(allowed, "\", \""), hint));
}

} // namespace glb::config
