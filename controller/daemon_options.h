// The command line of glbd.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace glb {

struct DaemonOptions {
    std::optional<std::filesystem::path> manifest;
    std::filesystem::path state_dir = "/var/lib/glb";
    std::filesystem::path run_dir = "/run/glb";
    std::filesystem::path bpffs = "/sys/fs/bpf/glb";
    std::string metrics = "127.0.0.1:9468";
    std::string log_level = "info";
    std::string log_format = "text";
    std::string web;
    bool guard_only = false;
};

/// Adds the options to `app`, which writes to `options`.
void add_options(CLI::App &app, DaemonOptions &options);

/// Parses the command line. Returns the exit status if the program must end: help, version, usage error.
[[nodiscard]] std::optional<int> read_options(int argc, char **argv, DaemonOptions &options);

} // namespace glb
