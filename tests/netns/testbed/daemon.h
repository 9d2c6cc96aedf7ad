// glbd in a namespace with its own state folder, run folder and bpffs, and glbctl to query it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/harness/netns.h"
#include "tests/harness/traffic.h"

namespace glb::test {

using nlohmann::json;

struct CtlResult {
    int code = -1;
    std::string text; ///< stdout and stderr
    json document;    ///< the JSON document in `text`, or null
};

class Daemon {
  public:
    explicit Daemon(const Namespace &node, std::uint16_t metrics_port = 9468);

    /// Starts glbd with `manifest` (null: without one) and waits until it is ready or, without a manifest,
    /// until the API responds. Throws std::runtime_error with the daemon's log if it does not start.
    void start(const json &manifest = nullptr, const std::vector<std::string> &options = {});
    /// Starts it without waiting: for starts that are expected to fail. `options` override the folders of
    /// this object. `launcher` is a command prefix such as "setpriv --reuid=65534".
    Process &launch(const json &manifest, const std::vector<std::string> &options = {},
                    const std::vector<std::string> &launcher = {});
    /// Selects the binary for later starts: another version of glbd that was built for tests.
    void use_program(const std::string &program) { program_ = program; }
    /// A command that start() prepends to the daemon's: it must finally execute its arguments.
    void use_launcher(std::vector<std::string> launcher) { launcher_ = std::move(launcher); }
    void kill9();                                       ///< SIGKILL, and reaps it; pins stay
    void terminate();                                   ///< SIGTERM, and waits for the exit
    void signal(int number) { process_->kill(number); } ///< SIGSTOP, SIGCONT, SIGHUP
    [[nodiscard]] std::string log() const { return process_ ? process_->output() : std::string(); }
    [[nodiscard]] pid_t pid() const { return process_ ? process_->pid() : -1; }

    /// `glbctl --socket … -o json ARGUMENTS`.
    [[nodiscard]] CtlResult ctl(const std::vector<std::string> &arguments) const;
    /// The same, but throws std::runtime_error with the log on an exit status other than 0.
    json must_ctl(const std::vector<std::string> &arguments) const;
    [[nodiscard]] CtlResult apply(const json &manifest, const std::vector<std::string> &options = {}) const;

    [[nodiscard]] std::uint64_t drop(const std::string &reason) const;    ///< packets
    [[nodiscard]] std::uint64_t counter(const std::string &name) const;   ///< packets
    [[nodiscard]] std::uint64_t uninspected() const;                      ///< packets that the guard dropped
    [[nodiscard]] json flows(std::vector<std::string> filter = {}) const; ///< the list, without a limit
    [[nodiscard]] json target(const std::string &id) const;               ///< throws on an unknown target
    [[nodiscard]] bool has_target(const std::string &id) const;
    [[nodiscard]] bool wait_healthy(std::size_t targets,
                                    milliseconds timeout = std::chrono::seconds(30)) const;

    [[nodiscard]] std::string socket_path() const { return folder_.path() / "run/glbd.sock"; }
    [[nodiscard]] const std::filesystem::path &bpffs() const { return bpffs_.path(); }
    [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }
    /// Every pin in the bpffs, sorted.
    [[nodiscard]] std::vector<std::string> pins() const;
    /// Detaches XDP from `devices` and deletes every pin, without the daemon's help.
    void force_detach(const std::vector<std::string> &devices) const;

  private:
    std::filesystem::path write_manifest(const json &manifest) const;

    const Namespace &node_;
    std::uint16_t metrics_port_;
    TempFolder folder_;
    Bpffs bpffs_;
    std::string program_ = "glbd";
    std::vector<std::string> launcher_;
    std::optional<Process> process_;
};

/// Kernel state of a namespace that a load balancer could leave behind, as text for comparison: nftables,
/// routing rules of both IP versions, queueing disciplines, tc filters, XDP programs.
[[nodiscard]] std::string kernel_state(const Namespace &ns, const std::vector<std::string> &devices);

} // namespace glb::test
