// Reads values from a DOM and reports every error with its JSON pointer.
// A field reader is a function of a JsonValue that sets a variable or adds an error:
//     ObjectReader members(json);
//     members.required("name", name(endpoint.name));
//     members.optional("routeTable", uint_field(endpoint.route_table, 1, 4294967295));
//     members.reject_unknown();
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

namespace glb::config {

/// Errors reported per document. Without a limit a hostile document could cause millions.
inline constexpr std::size_t max_manifest_errors = 1000;

/// Doubles represent every integer up to here.
inline constexpr std::uint64_t max_exact = std::uint64_t{1} << 53;

/// A value of the document, its pointer, and the list that errors are added to.
struct JsonValue {
    const nlohmann::json &value;
    std::string pointer;
    std::vector<ManifestError> &errors;

    void add_error(std::string message) const {
        if (errors.size() < max_manifest_errors)
            errors.push_back({pointer, std::move(message)});
    }
};

/// Reads the members of an object, each at most once. A value of another type gives one error and no members.
class ObjectReader {
  public:
    explicit ObjectReader(const JsonValue &json);

    template <typename Read>
    void optional(std::string_view name, const Read &read) {
        if (const auto *value = find(name))
            read(JsonValue{*value, pointer_to(json_.pointer, name), json_.errors});
    }

    template <typename Read>
    void required(std::string_view name, const Read &read) {
        optional(name, read);
        require(name);
    }

    /// Adds an error for each member that was not read, with the valid names.
    void reject_unknown() const;

  private:
    const nlohmann::json *find(std::string_view name);
    void require(std::string_view name) const;

    const JsonValue &json_;
    std::vector<std::string_view> names_;
};

/// The string; null and the error `expected` for other types.
[[nodiscard]] const std::string *read_string(const JsonValue &json, std::string_view expected);

/// A whole number in [least, most]; otherwise nullopt and an error that names the range.
[[nodiscard]] std::optional<std::uint64_t> read_uint(const JsonValue &json, std::uint64_t least,
                                                     std::uint64_t most);

/// Seconds in [least, most], with a resolution of one millisecond.
[[nodiscard]] std::optional<std::chrono::milliseconds>
read_seconds(const JsonValue &json, std::chrono::milliseconds least, std::chrono::milliseconds most);

/// A number up to 2^53 (exact as a double), or a string `0x…` up to `most`.
[[nodiscard]] std::optional<std::uint64_t> read_number_or_hex(const JsonValue &json, std::uint64_t most);

/// Adds the error for a string that is none of `allowed`.
void add_choice_error(const JsonValue &json, const std::vector<std::string_view> &allowed);

template <typename T>
[[nodiscard]] auto uint_field(T &out, std::uint64_t least, std::uint64_t most) {
    return [&out, least, most](const JsonValue &json) {
        if (const auto value = read_uint(json, least, most))
            out = static_cast<T>(*value);
    };
}

[[nodiscard]] inline auto whole_seconds(std::chrono::seconds &out, std::uint64_t least, std::uint64_t most) {
    return [&out, least, most](const JsonValue &json) {
        if (const auto value = read_uint(json, least, most))
            out = std::chrono::seconds(*value);
    };
}

[[nodiscard]] inline auto seconds(std::chrono::milliseconds &out, std::chrono::milliseconds least,
                                  std::chrono::milliseconds most) {
    return [&out, least, most](const JsonValue &json) {
        if (const auto value = read_seconds(json, least, most))
            out = *value;
    };
}

template <typename T>
[[nodiscard]] auto number_or_hex(T &out, std::uint64_t most) {
    return [&out, most](const JsonValue &json) {
        if (const auto value = read_number_or_hex(json, most))
            out = static_cast<T>(*value);
    };
}

template <typename E>
[[nodiscard]] auto choice(E &out) {
    return [&out](const JsonValue &json) {
        const auto value = json.value.is_string()
                               ? from_string<E>(json.value.template get_ref<const std::string &>())
                               : std::nullopt;
        if (value)
            out = *value;
        else
            add_choice_error(json, {EnumStrings<E>::all.begin(), EnumStrings<E>::all.end()});
    };
}

/// A string for which `is_valid` holds; otherwise the error `expected`.
template <typename Predicate>
[[nodiscard]] auto text(std::string &out, Predicate is_valid, std::string_view expected) {
    return [&out, is_valid, expected](const JsonValue &json) {
        if (const auto *value = read_string(json, expected)) {
            if (is_valid(std::string_view(*value)))
                out = *value;
            else
                json.add_error(std::string(expected));
        }
    };
}

/// A string for which `parse` returns a value; otherwise the error `expected`.
template <typename T, typename Parse>
[[nodiscard]] auto parsed(T &out, Parse parse, std::string_view expected) {
    return [&out, parse, expected](const JsonValue &json) {
        if (const auto *value = read_string(json, expected)) {
            if (auto result = parse(std::string_view(*value)))
                out = *std::move(result);
            else
                json.add_error(std::string(expected));
        }
    };
}

/// A list; `read(json, element)` reads each element. Invalid elements keep their positions.
template <typename T, typename Read>
[[nodiscard]] auto list(std::vector<T> &out, std::string_view elements, Read read) {
    return [&out, elements, read](const JsonValue &json) {
        if (!json.value.is_array())
            return json.add_error(fmt::format("must be a list of {}", elements));
        out.clear();
        out.reserve(json.value.size());
        for (std::size_t i = 0; i < json.value.size(); ++i)
            read(JsonValue{json.value[i], pointer_to(json.pointer, i), json.errors}, out.emplace_back());
    };
}

} // namespace glb::config
