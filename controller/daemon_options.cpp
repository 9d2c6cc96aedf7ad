#include "controller/daemon_options.h"

#include <CLI/CLI.hpp>

#include "controller/observe/flow_query.h"

namespace glb {

namespace {

std::string check_metrics(const std::string &text) {
    const auto listens_at = AddressMatch::parse(text);
    return text == "none" || (listens_at && listens_at->port)
               ? ""
               : text + " is neither ADDR:PORT, [ADDR6]:PORT nor none";
}

} // namespace

void add_options(CLI::App &app, DaemonOptions &options) {
    app.add_option("--manifest", options.manifest, "used where none was applied before, and on SIGHUP")
        ->type_name("FILE");
    app.add_option("--state-dir", options.state_dir, "what is remembered")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--run-dir", options.run_dir, "the socket glbd.sock")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--bpffs", options.bpffs, "pins of maps and links, on a BPF file system")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--metrics", options.metrics, "where /metrics and /healthz are served, or none")
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
                 "installs the guard of the manifest in force and ends: for boot, before the network is up");
    app.add_option("--web", options.web, "not yet supported")->type_name("ADDR:PORT");
}

std::optional<int> read_options(int argc, char **argv, DaemonOptions &options) {
    CLI::App app{
        "glbd: the daemon of the gateway load balancer. It loads the XDP data path, keeps the guard, probes "
        "the targets and serves glbctl on a Unix socket.",
        "glbd"};
    app.set_version_flag("--version", "glbd " GLB_VERSION);
    app.footer(
        "Examples:\n"
        "  glbd --manifest /etc/glb/manifest.json\n"
        "  glbd --state-dir /tmp/a/state --run-dir /tmp/a/run --bpffs /sys/fs/bpf/a --metrics "
        "127.0.0.1:9469\n\n"
        "The manifest last applied is kept in the state folder and wins over --manifest; SIGHUP applies the "
        "file.\nSIGTERM ends the daemon alone: traffic goes on. glbctl down ends the data path.\n");
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
