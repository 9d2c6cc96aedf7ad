// Bypasses: the endpoints that an operator bypasses: their packets are forwarded uninspected. Pure: time is an
// argument.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/health/target_health.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

class Bypasses {
  public:
    /// Bypasses `endpoint` until `end`; without it until off() is called. A later call replaces an earlier one.
    void set(const std::string &endpoint, std::optional<MonotonicTime> end) { ends_[endpoint] = end; }
    /// False if it was not bypassed.
    bool off(const std::string &endpoint) { return ends_.erase(endpoint) != 0; }

    /// Removes and returns those whose end has passed.
    std::vector<std::string> expire(MonotonicTime now);
    /// Removes endpoints that no longer exist.
    void retain_only(const std::set<std::string> &endpoints);

    [[nodiscard]] const std::map<std::string, std::optional<MonotonicTime>> &ends() const { return ends_; }
    /// Seconds left, rounded up; nullopt: no end, or not bypassed.
    [[nodiscard]] std::optional<std::uint64_t> seconds_left(const std::string &endpoint,
                                                            MonotonicTime now) const;
    /// The value for glb_endpoint_override. It includes the end, which thus takes effect without the daemon,
    /// too.
    [[nodiscard]] std::uint64_t word(const std::string &endpoint) const;

    [[nodiscard]] nlohmann::json to_json() const; ///< null: none
    void set(const nlohmann::json &json);         ///< ignores invalid entries

  private:
    std::map<std::string, std::optional<MonotonicTime>> ends_;
};

} // namespace glb::control
