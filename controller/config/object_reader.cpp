#include "controller/config/object_reader.h"

#include <algorithm>
#include <cmath>

#include "controller/config/suggestions.h"

namespace glb {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t most_exact = std::uint64_t{1} << 53; // above it, doubles skip whole numbers

// Also 5.0 and 1e3, which JSON does not tell from 5 and 1000 (RFC 8259, 6).
std::optional<std::uint64_t> as_whole(const nlohmann::json &value) {
    if (value.is_number_unsigned())
        return value.get<std::uint64_t>();
    if (!value.is_number_float())
        return std::nullopt;
    const auto number = value.get<double>();
    if (number < 0 || number > static_cast<double>(most_exact) || std::floor(number) != number)
        return std::nullopt;
    return static_cast<std::uint64_t>(number);
}

std::string in_seconds(milliseconds duration) {
    return fmt::format("{:g}", static_cast<double>(duration.count()) / 1000);
}

} // namespace

ObjectReader::ObjectReader(const JsonValue &place) : place_(place) {
    if (!place_.value.is_object())
        place_.add_error("must be an object");
}

const nlohmann::json *ObjectReader::find(std::string_view name) {
    known_.push_back(name);
    if (!place_.value.is_object())
        return nullptr;
    const auto found = place_.value.find(std::string(name));
    return found == place_.value.end() ? nullptr : &*found;
}

void ObjectReader::require(std::string_view name) const {
    if (place_.value.is_object() && !place_.value.contains(std::string(name)))
        place_.add_error(fmt::format("the member \"{}\" is missing", name));
}

void ObjectReader::refuse_unknown() const {
    if (!place_.value.is_object())
        return;
    for (const auto &[name, value] : place_.value.items()) {
        if (std::find(known_.begin(), known_.end(), name) != known_.end())
            continue;
        const JsonValue member{value, pointer_to(place_.pointer, name), place_.errors};
        const auto hint = suggestion_suffix(name, known_);
        member.add_error("unknown member" +
                         (hint.empty() ? fmt::format("; there are: {}", fmt::join(known_, ", ")) : hint));
    }
}

const std::string *read_string(const JsonValue &place, std::string_view wanted) {
    if (!place.value.is_string())
        place.add_error(std::string(wanted));
    return place.value.get_ptr<const std::string *>();
}

std::optional<std::uint64_t> read_uint(const JsonValue &place, std::uint64_t least, std::uint64_t most) {
    const auto value = as_whole(place.value);
    if (value && *value >= least && *value <= most)
        return value;
    place.add_error(least == most ? fmt::format("must be {}", least)
                                  : fmt::format("must be a whole number from {} to {}", least, most));
    return std::nullopt;
}

std::optional<milliseconds> seconds_at(const JsonValue &place, milliseconds least, milliseconds most) {
    const auto value = place.value.is_number() ? place.value.get<double>() : -1;
    // IEEE 754 rounds a quotient as a reader of decimals does: where three digits say it all, both are one
    // double.
    const auto whole = std::round(value * 1000);
    if (whole >= static_cast<double>(least.count()) && whole <= static_cast<double>(most.count()) &&
        whole / 1000 == value)
        return milliseconds(static_cast<milliseconds::rep>(whole));
    place.add_error(fmt::format("must be a number of seconds from {} to {}, to the millisecond",
                                in_seconds(least), in_seconds(most)));
    return std::nullopt;
}

std::optional<std::uint64_t> number_or_hex_at(const JsonValue &place, std::uint64_t most) {
    const auto value = place.value.is_string() ? parse_hex_number(place.value.get_ref<const std::string &>())
                                               : as_whole(place.value);
    const auto limit = place.value.is_string() ? most : std::min(most, most_exact);
    if (value && *value <= limit)
        return value;
    if (most > most_exact)
        place.add_error(fmt::format("must be a whole number from 0 to {}, or \"0x\" and up to 16 hex digits",
                                    most_exact));
    else
        place.add_error(
            fmt::format("must be \"0x\" and hex digits, or a whole number, from 0 to {:#x}", most));
    return std::nullopt;
}

void add_choice_error(const JsonValue &place, const std::vector<std::string_view> &allowed) {
    const auto *given = place.value.get_ptr<const std::string *>();
    const auto hint = given != nullptr ? suggestion_suffix(*given, allowed) : std::string();
    if (allowed.size() == 1)
        place.add_error(fmt::format("must be \"{}\"", allowed.front()));
    else
        place.add_error(fmt::format("must be one of \"{}\"{}", fmt::join(allowed, "\", \""), hint));
}

} // namespace glb
