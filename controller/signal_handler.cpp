#include "controller/signal_handler.h"

#include <systemd/sd-daemon.h>

#include "controller/config/parser.h"
#include "controller/util/files.h"
#include "controller/util/log.h"

namespace glb {

namespace {

void log_result(const std::filesystem::path &file, const Result<control::ApplyResult> &result) {
    if (!result)
        spdlog::error("SIGHUP: {}", result.error().message);
    else
        for (const auto &problem : result->errors)
            spdlog::error("SIGHUP: {}", config::error_line(file.string(), problem.pointer, problem.message));
}

} // namespace

SignalHandler::SignalHandler(boost::asio::io_context &loop, control::NodeCommands &commands,
                             const DaemonOptions &options)
    : loop_(loop), commands_(commands), options_(options), signals_(loop, SIGTERM, SIGINT, SIGHUP) {
    wait();
}

void SignalHandler::apply_file() {
    if (!options_.manifest) {
        spdlog::error(
            "SIGHUP: there is no --manifest to apply; start glbd with --manifest FILE, or use glbctl apply");
        return;
    }
    const auto file = *options_.manifest;
    const auto text = read_file(file);
    if (!text)
        return log_result(file, tl::unexpected(text.error()));
    control::ApplyOptions how;
    how.by = "reload";
    how.file = file.string();
    commands_.apply(*text, how,
                    [file](const Result<control::ApplyResult> &result) { log_result(file, result); });
}

void SignalHandler::wait() {
    signals_.async_wait([this](const boost::system::error_code &code, int signal) {
        if (code)
            return;
        if (signal == SIGHUP) {
            apply_file();
            return wait();
        }
        spdlog::info("stopping on signal {}; traffic continues", signal);
        ::sd_notify(0, "STOPPING=1");
        loop_.stop();
    });
}

} // namespace glb
