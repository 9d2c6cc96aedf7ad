#include "controller/observe/metrics_format.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>

namespace glb::observe {

namespace {

/// Removes and returns the part of `text` before the next `separator`, without spaces around it and in lower case.
std::string next_part(std::string_view &text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    std::string part(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
    part.erase(part.begin(), std::find_if_not(part.begin(), part.end(), is_space));
    part.erase(std::find_if_not(part.rbegin(), part.rend(), is_space).base(), part.end());
    std::transform(part.begin(), part.end(), part.begin(), [](unsigned char c) { return std::tolower(c); });
    return part;
}

struct Range {
    std::string type;
    std::string version; ///< empty: any
    double weight = 1;
};

Range read_range(std::string_view text) {
    Range range;
    range.type = next_part(text, ';');
    while (!text.empty()) {
        auto parameter = next_part(text, ';');
        parameter.erase(std::remove(parameter.begin(), parameter.end(), '"'), parameter.end());
        if (parameter.starts_with("q="))
            range.weight = std::strtod(parameter.c_str() + 2, nullptr);
        else if (parameter.starts_with("version="))
            range.version = parameter.substr(8);
    }
    return range;
}

} // namespace

MetricsFormat accepted_format(std::string_view accept) {
    double openmetrics = 0;
    double plain = 0;
    double anything = 0;
    while (!accept.empty()) {
        const auto comma = std::min(accept.find(','), accept.size());
        const auto range = read_range(accept.substr(0, comma));
        accept.remove_prefix(std::min(comma + 1, accept.size()));
        if (range.type == "application/openmetrics-text" &&
            (range.version.empty() || range.version == "1.0.0"))
            openmetrics = std::max(openmetrics, range.weight);
        else if (range.type == "text/plain" && (range.version.empty() || range.version == "0.0.4"))
            plain = std::max(plain, range.weight);
        else if (range.type == "text/*" || range.type == "*/*")
            anything = std::max(anything, range.weight);
    }
    return openmetrics > 0 && openmetrics >= (plain > 0 ? plain : anything) ? MetricsFormat::openmetrics
                                                                            : MetricsFormat::text;
}

const char *content_type(MetricsFormat format) {
    return format == MetricsFormat::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                : "text/plain; version=0.0.4; charset=utf-8";
}

} // namespace glb::observe
