// glbd: options, sockets, signals, and the order of a start.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "controller/api/v1/routes.h"
#include "controller/control/boot_guard.h"
#include "controller/daemon.h"
#include "controller/daemon_options.h"
#include "controller/privileges.h"
#include "controller/signal_handler.h"
#include "controller/systemd_notify.h"
#include "controller/util/descriptor_limit.h"
#include "controller/util/files.h"
#include "controller/util/log.h"
#include "controller/util/standard_descriptors.h"
#include "lib/http/offload_pool.h"

namespace glb {

namespace {

/// nullopt: another daemon has the state folder, and with it the guard.
Result<std::optional<state::StateStore>> open_store_for_boot(const std::filesystem::path &folder) {
    auto store = state::StateStore::open(folder);
    if (store)
        return std::optional(std::move(*store));
    if (store.error().code != EBUSY)
        return tl::unexpected(std::move(store).error());
    spdlog::info("glbd is already running with state directory {} and manages the guard: nothing to do",
                 folder.string());
    return std::nullopt;
}

Status run_boot_guard(const DaemonOptions &options,
                      const std::optional<control::ManifestFile> &first_manifest) {
    GLB_ASSIGN(auto store, open_store_for_boot(options.state_dir));
    if (!store)
        return {};
    GLB_ASSIGN(const auto daemon, Daemon::open(options, std::move(*store)));
    return control::install_boot_guard(daemon->ports(), first_manifest);
}

Status serve(const DaemonOptions &options) {
    if (!options.web.empty())
        return fail("--web is not yet supported");
    GLB_TRY(check_machine());
    GLB_TRY(raise_descriptor_limit());
    std::optional<control::ManifestFile> first_manifest;
    if (options.manifest)
        first_manifest = control::read_manifest_file(*options.manifest);
    if (options.guard_only)
        return run_boot_guard(options, first_manifest);
    GLB_TRY(make_folders(options.run_dir));
    GLB_ASSIGN(auto store, state::StateStore::open(options.state_dir));
    if (!store.warning().empty())
        spdlog::warn("{}", store.warning());
    // Before the kernel is changed: a port that is in use must change nothing.
    GLB_ASSIGN(auto socket, Listener::unix_socket(options.run_dir / "glbd.sock"));
    std::optional<Listener> metrics;
    if (options.metrics != "none") {
        auto listener = Listener::tcp(options.metrics);
        if (!listener)
            return fail("{}; choose another ADDR:PORT with --metrics, or none", listener.error().message);
        metrics = std::move(*listener);
    }
    GLB_ASSIGN(const auto daemon, Daemon::open(options, std::move(store)));
    GLB_TRY(daemon->start(first_manifest));
    GLB_TRY(drop_privileges());
    daemon->run();
    boost::asio::io_context loop(1);
    OffloadPool pool(loop);
    const Offload offload = [&](auto work, auto done) { pool.run(std::move(work), std::move(done)); };
    const api::ApiExecution execution{offload, [&](auto call) { boost::asio::post(loop, std::move(call)); }};
    const auto api =
        HttpServer::serve(loop, std::move(socket),
                          api::api_routes(daemon->reads(), daemon->commands(), execution), {}, offload);
    std::unique_ptr<HttpServer> scrape;
    if (metrics)
        scrape =
            HttpServer::serve(loop, std::move(*metrics), api::metrics_routes(daemon->reads(), execution));
    const SignalHandler signals(loop, daemon->commands(), options);
    spdlog::info("glbd {} serves {}", GLB_VERSION, (options.run_dir / "glbd.sock").string());
    const SystemdNotifier notifier(loop, [&] { return daemon->reads().not_ready_reason(); });
    loop.run();
    daemon->stop();
    return {};
}

/// Reports why the daemon exits: in the log if it is JSON, else as a plain line after it.
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
