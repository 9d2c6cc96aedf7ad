#include "controller/util/log.h"

#include <memory>

#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

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

} // namespace

Status setup_log(const std::string &level, const std::string &format) {
    const auto parsed = spdlog::level::from_str(level);
    if (parsed == spdlog::level::off && level != "off")
        return fail("--log-level {}: allowed are trace, debug, info, warning, error, off", level);
    auto logger = spdlog::stderr_logger_mt("glb");
    spdlog::set_default_logger(logger);
    if (format == "json") {
        auto formatter = std::make_unique<spdlog::pattern_formatter>();
        formatter->add_flag<JsonMessage>('*').set_pattern(
            R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})");
        spdlog::set_formatter(std::move(formatter));
    } else if (format == "text") {
        spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    } else {
        return fail("--log-format {}: allowed are text, json", format);
    }
    spdlog::set_level(parsed);
    spdlog::flush_on(spdlog::level::trace);
    return {};
}

} // namespace glb
