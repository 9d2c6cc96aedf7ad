// The log of a daemon: one line per event on standard error, as text or as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

#include "controller/util/result.h"

namespace glb {

/// Starts the log with a level (trace, debug, info, warning, error) and a format (text, json), and ignores
/// SIGPIPE. From here on spdlog's functions do not block: lines are written by a thread of their own and
/// dropped if standard error is blocked, closed or full. exit() and std::terminate() write what is queued,
/// for at most about a second. Call once, before other threads log.
[[nodiscard]] Status setup_log(const std::string &level, const std::string &format);

/// Writes the queued lines, waiting up to `timeout`; later lines are dropped.
void stop_log(std::chrono::milliseconds timeout = std::chrono::seconds(1));

/// Prints a line to standard error after the log's last line; gives up after about a second. For the error
/// that ends a program: it stops the log.
void print_last_line(std::string_view line);

/// Number of lines dropped since setup_log(). Any thread.
[[nodiscard]] std::uint64_t log_dropped();

} // namespace glb
