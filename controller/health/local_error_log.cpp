#include "controller/health/local_error_log.h"

#include <fmt/format.h>

namespace glb::health {

std::string LocalErrorLog::record(const std::string &target, const std::string &text, MonotonicTime now) {
    ++errors_.count;
    errors_.text = text;
    if (errors_.since)
        return "";
    errors_.since = now;
    count_before_ = errors_.count - 1;
    return fmt::format("health checks cannot be sent: {} (target {}); targets keep their states meanwhile",
                       text, target);
}

std::string LocalErrorLog::update(bool any_left, MonotonicTime now) {
    if (any_left || !errors_.since)
        return "";
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *errors_.since).count();
    errors_.since.reset();
    return fmt::format("health checks are sent again: {} were not in the last {} s",
                       errors_.count - count_before_, seconds);
}

} // namespace glb::health
