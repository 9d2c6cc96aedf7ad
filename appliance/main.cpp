// glb-appliance: starts the packet threads and serves health and counters until SIGTERM.
#include <chrono>
#include <csignal>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "appliance/appliance.h"
#include "controller/util/log.h"
#include "controller/util/standard_descriptors.h"
#include "lib/http/http.h"

namespace {

using namespace glb;
using namespace glb::appliance;
namespace asio = boost::asio;

constexpr int exit_failed = 1, exit_usage = 2;
constexpr auto expiry_period = std::chrono::seconds(1);

/// Removes expired flows once a second, so that /counters has the number of live flows.
class FlowExpiry {
  public:
    FlowExpiry(asio::io_context &loop, Appliance &appliance) : timer_(loop), appliance_(appliance) { wait(); }

  private:
    void wait() {
        timer_.expires_after(expiry_period);
        timer_.async_wait([this](const boost::system::error_code &error) {
            if (error)
                return;
            appliance_.expire_flows(std::chrono::steady_clock::now());
            wait();
        });
    }
    asio::steady_timer timer_;
    Appliance &appliance_;
};

Result<std::unique_ptr<HttpServer>> serve_health(asio::io_context &loop, const std::string &address,
                                                 const Appliance &appliance) {
    auto listener = Listener::tcp(address);
    if (!listener)
        return fail("--health: {}", listener.error().message);
    return HttpServer::serve(loop, std::move(*listener),
                             [&appliance](const HttpRequest &request, const HttpRespond &respond) {
                                 const bool alive = appliance.alive(std::chrono::steady_clock::now());
                                 respond(handle_request(request, alive, appliance.snapshot()));
                             });
}

/// Runs until the loop is stopped.
Status serve(asio::io_context &loop, const Arguments &arguments, const Options &options) {
    const auto log = [](const std::string &line) { spdlog::info("{}", line); };
    GLB_ASSIGN(const auto appliance, Appliance::start(options, log));
    std::unique_ptr<HttpServer> server;
    if (options.health) {
        GLB_ASSIGN(server, serve_health(loop, *options.health, *appliance));
    }
    const FlowExpiry expiry(loop, *appliance);
    spdlog::info("ready: GENEVE on {}, {} threads, {}, health on {}", arguments.listen, options.threads,
                 options.reflect ? "reflecting" : "inspecting", arguments.health);
    loop.run();
    spdlog::info("stopping");
    return {};
}

Status run(const Arguments &arguments, const Options &options) {
    asio::io_context loop;
    asio::signal_set signals(loop, SIGTERM, SIGINT);
    signals.async_wait([&loop](const boost::system::error_code &, int) { loop.stop(); });
    return serve(loop, arguments, options);
}

} // namespace

int main(int argc, char **argv) {
    if (!open_standard_descriptors())
        return exit_failed;
    Arguments arguments;
    CLI::App app{
        "Receives GENEVE from a gateway load balancer, passes the inner packets through the kernel for\n"
        "inspection, and returns them.",
        "glb-appliance"};
    app.set_version_flag("--version", "glb-appliance " GLB_VERSION);
    arguments.add_to(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    const auto fail_with = [](int status, const Error &error) {
        print_last_line("glb-appliance: " + error.message);
        return status;
    };
    if (const auto log = setup_log(arguments.log_level, arguments.log_format); !log)
        return fail_with(exit_usage, log.error());
    const auto options = arguments.checked();
    if (!options)
        return fail_with(exit_usage, options.error());
    const auto done = run(arguments, *options);
    return done ? 0 : fail_with(exit_failed, done.error());
}
