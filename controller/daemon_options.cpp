#include "controller/daemon_options.h"

#include <CLI/CLI.hpp>

#include "controller/observe/flow_query.h"

namespace glb {

namespace {

std::string check_metrics(const std::string &text) {
    const auto address = AddressMatch::parse(text);
    return text == "none" || (address && address->port) ? ""
                                                        : text + " must be ADDR:PORT, [ADDR6]:PORT or none";
}

} // namespace

void add_options(CLI::App &app, DaemonOptions &options) {
    app.add_option("--manifest", options.manifest, "applied if none was applied before, and on SIGHUP")
        ->type_name("FILE");
    app.add_option("--state-dir", options.state_dir, "persistent state")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--run-dir", options.run_dir, "directory of the socket glbd.sock")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--bpffs", options.bpffs, "directory for pinned maps and links, on a BPF file system")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--metrics", options.metrics, "address of /metrics and /healthz, or none")
        ->check(CLI::Validator(check_metrics, ""))
        ->type_name("ADDR:PORT")
        ->capture_default_str();
    app.add_option("--log-level", options.log_level, "trace, debug, info, warning or error")
        ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}).description(""))
        ->type_name("LEVEL")
        ->capture_default_str();
    app.add_option("--log-format", options.log_format, "text or json")
        ->check(CLI::IsMember({"text", "json"}).description(""))
        ->type_name("FORMAT")
        ->capture_default_str();
    app.add_flag("--guard-only", options.guard_only,
                 "install the guard of the active manifest and exit: for boot, before the network is up");
    app.add_option("--web", options.web, "not yet supported")->type_name("ADDR:PORT");
}

std::optional<int> read_options(int argc, char **argv, DaemonOptions &options) {
    CLI::App app{
        "glbd: the gateway load balancer daemon. Loads the XDP data path, installs the guard, runs health "
        "checks and serves glbctl on a Unix socket.",
        "glbd"};
    app.set_version_flag("--version", "glbd " GLB_VERSION);
    app.footer("Examples:\n"
               "  glbd --manifest /etc/glb/manifest.json\n"
               "  glbd --state-dir /tmp/a/state --run-dir /tmp/a/run --bpffs /sys/fs/bpf/a --metrics "
               "127.0.0.1:9469\n\n"
               "The last applied manifest is stored in the state directory and takes precedence over "
               "--manifest; SIGHUP "
               "applies the file.\nSIGTERM stops only the daemon; traffic continues. glbctl down removes the "
               "data path.\n");
    add_options(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        const int status = app.exit(error);
        return status == 0 ? 0 : 2;
    }
    return std::nullopt;
}

} // namespace glb
