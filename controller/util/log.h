// The daemon's log: one line an event, as text for people or JSON for machines.
#pragma once

#include <string>

#include <spdlog/spdlog.h>

#include "controller/util/result.h"

namespace glb {

/// Sets level (trace, debug, info, warning, error) and format (text, json) of the process's log on stderr.
[[nodiscard]] Status setup_log(const std::string &level, const std::string &format);

} // namespace glb
