#include "controller/options.h"

#include <CLI/CLI.hpp>

namespace glb {

std::optional<int> read_options(int argc, char **argv, DaemonOptions &options) {
    CLI::App app{"glbd: the daemon of the gateway load balancer. It loads the XDP data path, keeps the guard, probes "
                 "the targets and serves glbctl on a Unix socket."};
    app.set_version_flag("--version", GLB_VERSION);
    app.footer("Examples:\n"
               "  glbd --manifest /etc/glb/manifest.json\n"
               "  glbd --state-dir /tmp/a/state --run-dir /tmp/a/run --bpffs /sys/fs/bpf/a --metrics 127.0.0.1:9469\n\n"
               "The manifest last applied is kept in the state folder and wins over --manifest; SIGHUP applies the "
               "file.\nSIGTERM ends the daemon alone: traffic goes on. glbctl down ends the data path.\n");
    app.add_option("--manifest", options.manifest, "used where none was applied before, and on SIGHUP");
    app.add_option("--state-dir", options.state_dir, "what is remembered")->capture_default_str();
    app.add_option("--run-dir", options.run_dir, "the socket glbd.sock")->capture_default_str();
    app.add_option("--bpffs", options.bpffs, "pins of maps and links, on a BPF file system")->capture_default_str();
    app.add_option("--metrics", options.metrics, "ADDR:PORT of /metrics and /healthz; none: not served")
        ->capture_default_str();
    app.add_option("--log-level", options.log_level, "")
        ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}))
        ->capture_default_str();
    app.add_option("--log-format", options.log_format, "")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    app.add_flag("--guard-only", options.guard_only,
                 "installs the guard of the manifest in force and ends: for boot, before the network is up");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        const int status = app.exit(error);
        return status == 0 ? 0 : 2;
    }
    return std::nullopt;
}

} // namespace glb
