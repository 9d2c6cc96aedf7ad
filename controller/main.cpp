// glbd: options, one event loop, the node, its sockets, signals.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <systemd/sd-daemon.h>

#include "controller/api/http/offload_pool.h"
#include "controller/api/v1/routes.h"
#include "controller/control/boot_guard.h"
#include "controller/daemon_options.h"
#include "controller/node/node.h"
#include "controller/privileges.h"
#include "controller/systemd_notify.h"
#include "controller/util/files.h"
#include "controller/util/log.h"
#include "controller/util/standard_descriptors.h"

namespace glb {

namespace {

/// SIGHUP: the file is applied as if by glbctl.
void apply_file(LocalNode &node, const DaemonOptions &options) {
    if (!options.manifest) {
        spdlog::error("SIGHUP: there is no --manifest to apply");
        return;
    }
    const auto text = read_file(*options.manifest);
    ApplyOptions how;
    how.by = "reload";
    how.file = options.manifest->string();
    const auto result = text ? node.apply(*text, how) : tl::unexpected(text.error());
    if (!result)
        spdlog::error("SIGHUP: {}", result.error().message);
    else
        for (const auto &problem : result->errors)
            spdlog::error("SIGHUP: {}",
                          error_line(options.manifest->string(), problem.pointer, problem.message));
}

class Signals {
  public:
    Signals(boost::asio::io_context &loop, LocalNode &node, const DaemonOptions &options)
        : loop_(loop), node_(node), options_(options), signals_(loop, SIGTERM, SIGINT, SIGHUP) {
        wait();
    }

  private:
    void wait() {
        signals_.async_wait([this](const boost::system::error_code &code, int signal) {
            if (code)
                return;
            if (signal == SIGHUP) {
                apply_file(node_, options_);
                return wait();
            }
            spdlog::info("ending on signal {}; traffic goes on", signal);
            ::sd_notify(0, "STOPPING=1");
            node_.stop();
            loop_.stop();
        });
    }

    boost::asio::io_context &loop_;
    LocalNode &node_;
    const DaemonOptions &options_;
    boost::asio::signal_set signals_;
};

Status serve(const DaemonOptions &options) {
    if (!options.web.empty())
        return fail("--web is not yet supported");
    GLB_TRY(check_machine());
    std::optional<ManifestFile> first_manifest;
    if (options.manifest)
        first_manifest = read_manifest_file(*options.manifest);
    if (options.guard_only)
        return install_boot_guard({options.state_dir, options.bpffs, GLB_VERSION}, first_manifest);
    GLB_TRY(make_folders(options.run_dir));
    boost::asio::io_context loop(1);
    GLB_ASSIGN(const auto node, LocalNode::open(loop, {options.state_dir, options.bpffs, GLB_VERSION}));
    // Before the kernel is touched: a port in use must change nothing.
    GLB_ASSIGN(auto socket, Listener::unix_socket(options.run_dir / "glbd.sock"));
    std::optional<Listener> metrics;
    if (options.metrics != "none") {
        auto listener = Listener::tcp(options.metrics);
        if (!listener)
            return fail("{}; name another ADDR:PORT by --metrics, or none", listener.error().message);
        metrics = std::move(*listener);
    }
    GLB_TRY(node->start(first_manifest));
    GLB_TRY(drop_privileges());
    node->start_health_thread();
    OffloadPool pool(loop);
    const auto api =
        HttpServer::serve(loop, std::move(socket), api_routes(*node), {},
                          [&](auto work, auto done) { pool.run(std::move(work), std::move(done)); });
    std::unique_ptr<HttpServer> scrape;
    if (metrics)
        scrape = HttpServer::serve(loop, std::move(*metrics), metrics_routes(*node));
    const Signals signals(loop, *node, options);
    spdlog::info("glbd {} serves {}", GLB_VERSION, (options.run_dir / "glbd.sock").string());
    const SystemdNotifier notifier(loop, [&node] { return node->not_ready_reason(); });
    loop.run();
    return {};
}

/// Reports why the daemon exits: in the log where it is JSON, else as a plain line after it.
void print_failure(const DaemonOptions &options, const Error &error) {
    if (options.log_format == "json")
        spdlog::critical("{}", error.message);
    else
        print_last_line("glbd: " + error.message);
}

} // namespace

} // namespace glb

int main(int argc, char **argv) {
    if (!glb::open_standard_descriptors())
        return 1;
    glb::DaemonOptions options;
    if (const auto status = glb::read_options(argc, argv, options))
        return *status;
    auto done = glb::setup_log(options.log_level, options.log_format);
    if (done)
        done = glb::serve(options);
    if (done)
        return 0;
    glb::print_failure(options, done.error());
    return 1;
}
