#include "controller/config/json_document.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <set>

#include <fmt/format.h>

namespace glb::config {

namespace {

constexpr std::size_t max_bytes = 8u << 20;
constexpr std::size_t max_depth = 16;
constexpr std::size_t max_values = 200000;
constexpr std::size_t max_errors = 1000;
// A double represents every decimal number of this many significant digits exactly (DBL_DIG).
constexpr std::ptrdiff_t exact_digits = 15;

std::ptrdiff_t significant_digits(std::string_view number) {
    const auto mantissa = number.substr(0, number.find_first_of("eE"));
    const auto first = mantissa.find_first_of("123456789");
    if (first == std::string_view::npos)
        return 0;
    const auto digits = mantissa.substr(first);
    return std::count_if(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string line_and_column(std::string_view text, std::size_t position) {
    // The parser's position is one past the last byte that it consumed.
    const auto before = text.substr(0, std::min(position > 0 ? position - 1 : 0, text.size()));
    const auto newline = before.rfind('\n');
    const auto column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
    return fmt::format("line {}, column {}", 1 + std::count(before.begin(), before.end(), '\n'), column);
}

// Removes the library's prefix and position: "[json.exception.parse_error.101] parse error at …: ".
std::string strip_library_prefix(std::string message) {
    if (const auto tag = message.find("] "); message.starts_with('[') && tag != std::string::npos)
        message.erase(0, tag + 2);
    if (const auto place = message.find(": ");
        message.starts_with("parse error") && place != std::string::npos)
        message.erase(0, place + 2);
    return message;
}

/// A copy of the text in which numbers that exceed a double are replaced by 0 and blanks. The parser would
/// otherwise stop at the first of them.
struct MaskedNumbers {
    std::string text;                ///< empty: no such numbers, use the original
    std::set<std::size_t> too_large; ///< positions among all numbers, from 0
};

/// True if all of `digits` is one number that exceeds a double.
bool overflows(const std::string &digits) {
    char *end = nullptr;
    return std::isinf(std::strtod(digits.c_str(), &end)) && *end == '\0';
}

MaskedNumbers mask_out_of_range_numbers(std::string_view text) {
    MaskedNumbers masked;
    std::size_t number = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            at += c == '\\' ? 1 : 0;
            in_string = c != '"';
            continue;
        }
        in_string = c == '"';
        if (c != '-' && (c < '0' || c > '9'))
            continue;
        const auto end = std::min(text.find_first_not_of("0123456789+-.eE", at), text.size());
        if (overflows(std::string(text.substr(at, end - at)))) {
            if (masked.text.empty())
                masked.text = text;
            masked.text.replace(at, end - at, end - at, ' ').replace(at, 1, 1, '0');
            masked.too_large.insert(number);
        }
        ++number;
        at = end - 1;
    }
    return masked;
}

// Receives nlohmann's SAX events. Names and signatures are given by the library.
class DomBuilder {
  public:
    DomBuilder(std::string_view text, const std::set<std::size_t> &too_large, Document &document)
        : text_(text), too_large_(too_large), document_(document) {}

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(std::int64_t value) { return put_number(value); }
    bool number_unsigned(std::uint64_t value) { return put_number(value); }
    bool string(std::string &value) { return put(std::move(value)); }
    bool binary(nlohmann::json::binary_t &) { return false; }

    bool number_float(double value, const std::string &digits) {
        if (significant_digits(digits) > exact_digits)
            add_error(next_pointer(),
                      fmt::format("the number has more than {} digits and cannot be represented exactly",
                                  exact_digits));
        else if (std::abs(value) < std::numeric_limits<double>::min() && significant_digits(digits) > 0)
            add_error(next_pointer(), "the number is too small to be represented exactly");
        return put_number(value);
    }

    bool start_object(std::size_t) { return open(nlohmann::json::object()); }
    bool start_array(std::size_t) { return open(nlohmann::json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }

    bool key(std::string &name) {
        auto &level = levels_.back();
        level.key = std::move(name);
        if (level.container->contains(level.key))
            add_error(next_pointer(), "duplicate member: keep one");
        return true;
    }

    bool parse_error(std::size_t position, const std::string &, const nlohmann::json::exception &error) {
        add_error(
            "", fmt::format("{}: {}", line_and_column(text_, position), strip_library_prefix(error.what())));
        return false;
    }

  private:
    struct Level {
        nlohmann::json *container = nullptr;
        std::string pointer;
        std::string key; // of the member whose value is next
    };

    std::string next_pointer() const {
        if (levels_.empty())
            return "";
        const auto &level = levels_.back();
        return level.container->is_array() ? pointer_to(level.pointer, level.container->size())
                                           : pointer_to(level.pointer, level.key);
    }

    void add_error(std::string pointer, std::string message) {
        if (document_.errors.size() < max_errors)
            document_.errors.push_back({std::move(pointer), std::move(message)});
    }

    nlohmann::json *insert(nlohmann::json value) {
        if (++values_ > max_values) {
            add_error("", fmt::format("the document has more than {} values", max_values));
            return nullptr;
        }
        if (levels_.empty())
            return &document_.root.emplace(std::move(value));
        auto &level = levels_.back();
        if (level.container->is_array()) {
            level.container->push_back(std::move(value));
            return &level.container->back();
        }
        return &((*level.container)[level.key] = std::move(value));
    }

    bool put(nlohmann::json value) { return insert(std::move(value)) != nullptr; }

    bool put_number(nlohmann::json value) {
        if (too_large_.contains(numbers_++))
            add_error(next_pointer(), "the number is too large");
        return put(std::move(value));
    }

    bool open(nlohmann::json container) {
        auto pointer = next_pointer();
        if (levels_.size() == max_depth) {
            add_error(pointer, fmt::format("the document is nested deeper than {} levels", max_depth));
            return false;
        }
        auto *placed = insert(std::move(container));
        if (placed == nullptr)
            return false;
        levels_.push_back({placed, std::move(pointer), {}});
        return true;
    }

    bool close() {
        levels_.pop_back();
        return true;
    }

    std::string_view text_;
    const std::set<std::size_t> &too_large_;
    Document &document_;
    std::vector<Level> levels_;
    std::size_t values_ = 0, numbers_ = 0;
};

} // namespace

std::string pointer_to(std::string_view parent, std::string_view member) {
    std::string pointer(parent);
    pointer += '/';
    for (const char c : member) {
        if (c == '~')
            pointer += "~0";
        else if (c == '/')
            pointer += "~1";
        else
            pointer += c;
    }
    return pointer;
}

std::string pointer_to(std::string_view parent, std::size_t index) {
    return fmt::format("{}/{}", parent, index);
}

Document read_document(std::string_view text) {
    Document document;
    if (text.size() > max_bytes) {
        document.errors.push_back({"", fmt::format("the document is larger than {} bytes", max_bytes)});
        return document;
    }
    // The library treats a NUL as the end of its input and ignores what follows.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        document.errors.push_back(
            {"", fmt::format("{}: NUL byte in JSON text", line_and_column(text, nul + 1))});
        return document;
    }
    const auto masked = mask_out_of_range_numbers(text);
    const auto readable = masked.text.empty() ? text : std::string_view(masked.text);
    DomBuilder builder(text, masked.too_large, document);
    if (!nlohmann::json::sax_parse(readable.begin(), readable.end(), &builder))
        document.root.reset();
    return document;
}

} // namespace glb::config
