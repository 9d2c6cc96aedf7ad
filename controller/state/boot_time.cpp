#include "controller/state/boot_time.h"

#include <string>

#include "controller/util/files.h"

namespace glb::state {

namespace {

/// Changes with each boot (random(4)).
const std::string &boot_id() {
    static const std::string id = read_file("/proc/sys/kernel/random/boot_id").value_or("unknown");
    return id;
}

} // namespace

nlohmann::json to_json_time(MonotonicTime time) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
    return {{"boot", boot_id()}, {"nanoseconds", elapsed.count()}};
}

MonotonicTime time_from_json(const nlohmann::json &json) {
    if (!json.is_object() || !json.contains("boot") || json["boot"] != boot_id() ||
        !json.contains("nanoseconds") || !json["nanoseconds"].is_number_integer())
        return MonotonicTime(MonotonicTime::duration::zero());
    return MonotonicTime(std::chrono::nanoseconds(json["nanoseconds"].get<std::int64_t>()));
}

} // namespace glb::state
