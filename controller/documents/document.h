// Documents: the API's JSON as plain structs. A struct lists its members once, in a static function
// members(), and to_json() and from_json() follow from that list.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/util/result.h"

namespace glb::documents {

using nlohmann::json;

enum class Presence : std::uint8_t {
    defaulted, ///< absent or null: the struct's default value. An empty optional is written as null
    required,  ///< from_json() fails if it is absent
    omitted,   ///< of an optional: not written at all if empty
};

template <typename T, typename V>
struct Member {
    const char *name;
    V T::*value;
    Presence presence = Presence::defaulted;
};

template <typename T, typename V>
constexpr Member<T, V> member(const char *name, V T::*value) {
    return {name, value};
}
template <typename T, typename V>
constexpr Member<T, V> required(const char *name, V T::*value) {
    return {name, value, Presence::required};
}
template <typename T, typename V>
constexpr Member<T, std::optional<V>> omitted_if_empty(const char *name, std::optional<V> T::*value) {
    return {name, value, Presence::omitted};
}

/// The members of T. Specialised for types that are not defined in this folder.
template <typename T>
struct MembersOf {
    static constexpr auto list() requires requires { T::members(); }
    { return T::members(); }
};

template <typename T>
concept Document = requires {
    MembersOf<T>::list();
};

/// A value with a JSON form of its own: json to_value() const, and bool read_value(const json &).
template <typename T>
concept CustomValue = requires(T value, const json &in) {
    { value.to_value() } -> std::same_as<json>;
    { value.read_value(in) } -> std::same_as<bool>;
    { T::expected } -> std::convertible_to<const char *>;
};

template <Document T>
[[nodiscard]] json to_json(const T &document);

/// Ignores unknown members, which newer versions add. The error names the first member that has another type
/// than expected, or is missing although required, by its JSON pointer.
template <Document T>
[[nodiscard]] Result<T> from_json(const json &value);

/// The text of a document. Texts of the kernel may hold any byte: invalid UTF-8 is replaced.
[[nodiscard]] std::string serialize(const json &document);

/// For nlohmann: `json value = document`.
template <Document T>
void to_json(json &out, const T &document) {
    out = to_json(document);
}

namespace detail {

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <typename T>
inline constexpr bool is_vector = false;
template <typename T>
inline constexpr bool is_vector<std::vector<T>> = true;

[[nodiscard]] Status expected(const std::string &pointer, const std::string &what, const json &got);
[[nodiscard]] Status read_bool(const json &value, const std::string &pointer, bool &out);
[[nodiscard]] Status read_string(const json &value, const std::string &pointer, std::string &out);
[[nodiscard]] Status read_unsigned(const json &value, const std::string &pointer, std::uint64_t most,
                                   std::uint64_t &out);
[[nodiscard]] Status read_signed(const json &value, const std::string &pointer, std::int64_t &out);

template <typename V>
json write_value(const V &value) {
    if constexpr (CustomValue<V>) {
        return value.to_value();
    } else if constexpr (Document<V>) {
        return to_json(value);
    } else if constexpr (is_optional<V>) {
        return value ? write_value(*value) : json();
    } else if constexpr (is_vector<V>) {
        auto list = json::array();
        for (const auto &element : value)
            list.push_back(write_value(element));
        return list;
    } else {
        return json(value);
    }
}

template <Document T>
Status read_members(const json &value, const std::string &pointer, T &out);

template <typename V>
Status read_value(const json &value, const std::string &pointer, V &out) {
    if constexpr (CustomValue<V>) {
        return out.read_value(value) ? Status{} : expected(pointer, V::expected, value);
    } else if constexpr (Document<V>) {
        return read_members(value, pointer, out);
    } else if constexpr (is_optional<V>) {
        return read_value(value, pointer, out.emplace());
    } else if constexpr (is_vector<V>) {
        if (!value.is_array())
            return expected(pointer, "an array", value);
        for (std::size_t i = 0; i < value.size(); ++i)
            GLB_TRY(read_value(value[i], pointer + '/' + std::to_string(i), out.emplace_back()));
        return {};
    } else if constexpr (std::is_same_v<V, bool>) {
        return read_bool(value, pointer, out);
    } else if constexpr (std::is_same_v<V, std::string>) {
        return read_string(value, pointer, out);
    } else if constexpr (std::is_same_v<V, json>) {
        out = value;
        return {};
    } else if constexpr (std::is_unsigned_v<V>) {
        std::uint64_t number = 0;
        GLB_TRY(read_unsigned(value, pointer, std::numeric_limits<V>::max(), number));
        out = static_cast<V>(number);
        return {};
    } else {
        static_assert(std::is_same_v<V, std::int64_t>, "documents have no members of this type");
        return read_signed(value, pointer, out);
    }
}

template <typename T, typename M>
Status read_member(const json &object, const std::string &pointer, const M &member, T &out) {
    const auto found = object.find(member.name);
    const auto place = pointer + '/' + member.name;
    if (found != object.end() && !found->is_null())
        return read_value(*found, place, out.*(member.value));
    return member.presence == Presence::required ? Status(fail("{}: missing", place)) : Status{};
}

template <Document T>
Status read_members(const json &value, const std::string &pointer, T &out) {
    if (!value.is_object())
        return expected(pointer, "an object", value);
    return std::apply(
        [&](const auto &...members) {
            Status done;
            (void)((done = read_member(value, pointer, members, out), done.has_value()) && ...);
            return done;
        },
        MembersOf<T>::list());
}

} // namespace detail

template <Document T>
json to_json(const T &document) {
    auto object = json::object();
    const auto write = [&](const auto &member) {
        auto value = detail::write_value(document.*(member.value));
        if (member.presence != Presence::omitted || !value.is_null())
            object[member.name] = std::move(value);
    };
    std::apply([&](const auto &...members) { (write(members), ...); }, MembersOf<T>::list());
    return object;
}

template <Document T>
Result<T> from_json(const json &value) {
    T document;
    GLB_TRY(detail::read_members(value, "", document));
    return document;
}

} // namespace glb::documents
