#include "controller/util/log.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>

#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include "controller/util/async_log.h"
#include "controller/util/nonblocking_writer.h"

namespace glb {

namespace {

/// %* : the message as a JSON string, quoted and escaped.
class JsonMessage final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg &message, const std::tm &,
                spdlog::memory_buf_t &out) override {
        const auto text = nlohmann::json(std::string(message.payload.data(), message.payload.size()))
                              .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        out.append(text.data(), text.data() + text.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<JsonMessage>();
    }
};

std::unique_ptr<spdlog::formatter> json_formatter() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})");
    return formatter;
}

std::unique_ptr<spdlog::formatter> text_formatter() {
    return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%e %l %v");
}

// Never destroyed: threads may log until the process ends.
AsyncLog *process_log = nullptr;

/// Instead of the standard library's handler, which may block on standard error.
[[noreturn]] void log_and_abort() {
    try {
        if (const auto exception = std::current_exception())
            std::rethrow_exception(exception);
        spdlog::critical("terminated");
    } catch (const std::exception &exception) {
        spdlog::critical("uncaught exception: {}", exception.what());
    } catch (...) {
        spdlog::critical("uncaught exception");
    }
    stop_log();
    std::abort();
}

} // namespace

Status setup_log(const std::string &level, const std::string &format) {
    const auto parsed = spdlog::level::from_str(level);
    if (parsed == spdlog::level::off && level != "off")
        return fail("--log-level {}: must be one of trace, debug, info, warning, error, off", level);
    if (format != "json" && format != "text")
        return fail("--log-format {}: must be text or json", format);
    (void)std::signal(SIGPIPE, SIG_IGN);
    process_log = new AsyncLog(STDERR_FILENO, format == "json" ? json_formatter() : text_formatter());
    spdlog::set_default_logger(process_log->logger());
    spdlog::set_level(parsed);
    std::set_terminate(log_and_abort);
    (void)std::atexit([] { stop_log(); });
    return {};
}

void stop_log(std::chrono::milliseconds timeout) {
    if (process_log)
        (void)process_log->stop(timeout);
}

void print_last_line(std::string_view line) {
    using namespace std::chrono_literals;
    stop_log();
    const std::atomic<bool> cancelled = false;
    NonblockingWriter(STDERR_FILENO)
        .write(std::string(line) + '\n', cancelled, NonblockingWriter::Clock::now() + 1s);
}

std::uint64_t log_dropped() {
    return process_log ? process_log->dropped() : 0;
}

} // namespace glb
