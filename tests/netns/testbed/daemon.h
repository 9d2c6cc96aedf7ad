// glbd in a namespace, with a state folder, a run folder and a bpffs of its own; and glbctl to ask it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/harness/netns.h"
#include "tests/harness/traffic.h"

namespace glb::test {

using nlohmann::json;

struct CtlAnswer {
    int code = -1;
    std::string text; ///< stdout and stderr
    json document;    ///< the JSON document in it; null where there is none
};

class Daemon {
  public:
    explicit Daemon(const Namespace &node, std::uint16_t metrics_port = 9468);

    /// Starts glbd with `manifest` (null: without one) and waits until it is ready, or answers where there
    /// is no manifest. Throws std::runtime_error with the daemon's log where it does not come up.
    void start(const json &manifest = nullptr, const std::vector<std::string> &options = {});
    /// Starts it and waits for nothing: for starts that are to fail. `options` win over the folders of this
    /// object; `launcher` is a command that runs what follows it: "setpriv --reuid=65534".
    Process &launch(const json &manifest, const std::vector<std::string> &options = {},
                    const std::vector<std::string> &launcher = {});
    /// Which program is glbd from the next start on: another version, built for tests.
    void run(const std::string &program) { program_ = program; }
    void kill9();                                       ///< and reaps it; what it pinned stays
    void terminate();                                   ///< SIGTERM, and waits for the end
    void signal(int number) { process_->kill(number); } ///< SIGSTOP, SIGCONT, SIGHUP
    [[nodiscard]] std::string log() const { return process_ ? process_->output() : std::string(); }
    [[nodiscard]] pid_t pid() const { return process_ ? process_->pid() : -1; }

    /// `glbctl --socket … -o json ARGUMENTS`.
    [[nodiscard]] CtlAnswer ctl(const std::vector<std::string> &arguments) const;
    /// The same; throws std::runtime_error with the log where it does not exit with 0.
    json must_ctl(const std::vector<std::string> &arguments) const;
    [[nodiscard]] CtlAnswer apply(const json &manifest, const std::vector<std::string> &options = {}) const;

    [[nodiscard]] std::uint64_t drop(const std::string &reason) const;    ///< packets
    [[nodiscard]] std::uint64_t counter(const std::string &name) const;   ///< packets
    [[nodiscard]] std::uint64_t uninspected() const;                      ///< packets that the guard stopped
    [[nodiscard]] json flows(std::vector<std::string> filter = {}) const; ///< the list, without a limit
    [[nodiscard]] json target(const std::string &id) const;               ///< throws where there is none
    [[nodiscard]] bool has_target(const std::string &id) const;
    [[nodiscard]] bool wait_healthy(std::size_t targets,
                                    milliseconds timeout = std::chrono::seconds(30)) const;

    [[nodiscard]] const std::filesystem::path &bpffs() const { return bpffs_.path(); }
    [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }
    /// Every pin in the bpffs, sorted.
    [[nodiscard]] std::vector<std::string> pins() const;
    /// What an operator does who wants it gone: detaches XDP from `devices`, and deletes every pin.
    void detach_by_hand(const std::vector<std::string> &devices) const;

  private:
    std::filesystem::path write_manifest(const json &manifest) const;

    const Namespace &node_;
    std::uint16_t metrics_port_;
    TempFolder folder_;
    Bpffs bpffs_;
    std::string program_ = "glbd";
    std::optional<Process> process_;
};

/// What the kernel of a namespace holds that a load balancer could leave behind, as text to be compared:
/// nftables, rules of both IP versions, queueing disciplines, tc filters, XDP programs.
[[nodiscard]] std::string kernel_state(const Namespace &ns, const std::vector<std::string> &devices);

} // namespace glb::test
