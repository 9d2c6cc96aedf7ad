// Reading values out of a DOM so that every error is told, each at its own place.
// A field reader is a function of a JsonValue that writes a variable, or says what would have been right
// there:
//     ObjectReader members(place);
//     members.required("name", name(endpoint.name));
//     members.optional("routeTable", uint_field(endpoint.route_table, 1, 4294967295));
//     members.refuse_unknown();
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "controller/config/enum_strings.h"
#include "controller/config/formats.h"
#include "controller/config/json_document.h"

namespace glb {

/// How many errors are kept of one document: more help nobody, and a hostile document could ask for millions.
inline constexpr std::size_t max_manifest_errors = 1000;

/// One value of the document, and where it stands.
struct JsonValue {
    const nlohmann::json &value;
    std::string pointer;
    std::vector<ManifestError> &errors;

    void add_error(std::string message) const {
        if (errors.size() < max_manifest_errors)
            errors.push_back({pointer, std::move(message)});
    }
};

/// The members of an object, each read at most once. A value that is no object has no members, and one error.
class ObjectReader {
  public:
    explicit ObjectReader(const JsonValue &place);

    template <typename Read>
    void optional(std::string_view name, const Read &read) {
        if (const auto *value = find(name))
            read(JsonValue{*value, pointer_to(place_.pointer, name), place_.errors});
    }

    template <typename Read>
    void required(std::string_view name, const Read &read) {
        optional(name, read);
        require(name);
    }

    /// Refuses the members that were never asked for, each at its own pointer, with the names that there are.
    void refuse_unknown() const;

  private:
    const nlohmann::json *find(std::string_view name);
    void require(std::string_view name) const;

    const JsonValue &place_;
    std::vector<std::string_view> known_;
};

/// The text of a string; none, and an error with `wanted`, for anything else.
[[nodiscard]] const std::string *read_string(const JsonValue &place, std::string_view wanted);

/// A whole number in [least, most]; none, and an error that names the range, for anything else.
[[nodiscard]] std::optional<std::uint64_t> read_uint(const JsonValue &place, std::uint64_t least,
                                                     std::uint64_t most);

/// Seconds in [least, most], a fraction allowed down to one millisecond.
[[nodiscard]] std::optional<std::chrono::milliseconds>
seconds_at(const JsonValue &place, std::chrono::milliseconds least, std::chrono::milliseconds most);

/// A number up to 2^53 (what a double holds), or a text `0x…` up to `most`.
[[nodiscard]] std::optional<std::uint64_t> number_or_hex_at(const JsonValue &place, std::uint64_t most);

/// The error for a text that is none of `allowed`.
void add_choice_error(const JsonValue &place, const std::vector<std::string_view> &allowed);

template <typename T>
[[nodiscard]] auto uint_field(T &out, std::uint64_t least, std::uint64_t most) {
    return [&out, least, most](const JsonValue &place) {
        if (const auto value = read_uint(place, least, most))
            out = static_cast<T>(*value);
    };
}

[[nodiscard]] inline auto whole_seconds(std::chrono::seconds &out, std::uint64_t least, std::uint64_t most) {
    return [&out, least, most](const JsonValue &place) {
        if (const auto value = read_uint(place, least, most))
            out = std::chrono::seconds(*value);
    };
}

[[nodiscard]] inline auto seconds(std::chrono::milliseconds &out, std::chrono::milliseconds least,
                                  std::chrono::milliseconds most) {
    return [&out, least, most](const JsonValue &place) {
        if (const auto value = seconds_at(place, least, most))
            out = *value;
    };
}

template <typename T>
[[nodiscard]] auto number_or_hex(T &out, std::uint64_t most) {
    return [&out, most](const JsonValue &place) {
        if (const auto value = number_or_hex_at(place, most))
            out = static_cast<T>(*value);
    };
}

template <typename E>
[[nodiscard]] auto choice(E &out) {
    return [&out](const JsonValue &place) {
        const auto value = place.value.is_string()
                               ? from_string<E>(place.value.template get_ref<const std::string &>())
                               : std::nullopt;
        if (value)
            out = *value;
        else
            add_choice_error(place, {EnumStrings<E>::all.begin(), EnumStrings<E>::all.end()});
    };
}

/// A text for which `is_good` holds; else an error with `wanted`.
template <typename Predicate>
[[nodiscard]] auto text(std::string &out, Predicate is_good, std::string_view wanted) {
    return [&out, is_good, wanted](const JsonValue &place) {
        if (const auto *value = read_string(place, wanted)) {
            if (is_good(std::string_view(*value)))
                out = *value;
            else
                place.add_error(std::string(wanted));
        }
    };
}

/// A text that `parse` (to an optional) takes; else an error with `wanted`.
template <typename T, typename Parse>
[[nodiscard]] auto parsed(T &out, Parse parse, std::string_view wanted) {
    return [&out, parse, wanted](const JsonValue &place) {
        if (const auto *value = read_string(place, wanted)) {
            if (auto result = parse(std::string_view(*value)))
                out = *std::move(result);
            else
                place.add_error(std::string(wanted));
        }
    };
}

/// A list whose elements `read(place, element)` reads. Broken elements keep their places.
template <typename T, typename Read>
[[nodiscard]] auto list(std::vector<T> &out, std::string_view of_what, Read read) {
    return [&out, of_what, read](const JsonValue &place) {
        if (!place.value.is_array())
            return place.add_error(fmt::format("must be a list of {}", of_what));
        out.clear();
        out.reserve(place.value.size());
        for (std::size_t i = 0; i < place.value.size(); ++i)
            read(JsonValue{place.value[i], pointer_to(place.pointer, i), place.errors}, out.emplace_back());
    };
}

} // namespace glb
