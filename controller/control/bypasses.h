// Bypasses: the endpoints that an operator has ordered to be forwarded uninspected. Pure: time is an
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

namespace glb {

class Bypasses {
  public:
    /// Until `end`; without it until off() is called. A later order replaces an earlier one.
    void order(const std::string &endpoint, std::optional<MonotonicTime> end) { ends_[endpoint] = end; }
    /// False where it was not ordered.
    bool off(const std::string &endpoint) { return ends_.erase(endpoint) != 0; }

    /// Those whose time is over, which are none any more.
    std::vector<std::string> expire(MonotonicTime now);
    /// Forgets endpoints that are not there any more.
    void retain_only(const std::set<std::string> &endpoints);

    [[nodiscard]] const std::map<std::string, std::optional<MonotonicTime>> &ends() const { return ends_; }
    [[nodiscard]] bool has(const std::string &endpoint) const { return ends_.contains(endpoint); }
    /// Seconds that are left, rounded up; none: without end, or not ordered.
    [[nodiscard]] std::optional<std::uint64_t> seconds_left(const std::string &endpoint,
                                                            MonotonicTime now) const;
    /// What the data path is told: glb_endpoint_override. The end is in it, so that it comes without the
    /// daemon too.
    [[nodiscard]] std::uint64_t word(const std::string &endpoint) const;

    [[nodiscard]] nlohmann::json to_json() const; ///< null: none
    void set(const nlohmann::json &json);         ///< passes over what makes no sense

  private:
    std::map<std::string, std::optional<MonotonicTime>> ends_;
};

} // namespace glb
