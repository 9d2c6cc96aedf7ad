// Services that run on the node next to glb: sshd and a BGP daemon.
#pragma once

#include <string>

#include "tests/harness/netns.h"
#include "tests/harness/traffic.h"

namespace glb::test {

/// sshd on port 22 of a namespace with generated keys, and clients that log in by key.
class SshServer {
  public:
    explicit SshServer(const Namespace &ns);

    /// `ssh root@ADDRESS COMMAND` from another namespace, in the background.
    [[nodiscard]] Process start(const Namespace &from, const std::string &address,
                                const std::string &command) const;
    /// SHA-256 of 1 MB, read through `ssh cat`, or the output of ssh on an error.
    [[nodiscard]] std::string download(const Namespace &from, const std::string &address) const;
    [[nodiscard]] const std::string &sha256() const { return sha256_; } ///< of the file that download() reads
    [[nodiscard]] std::string log() const { return process_->output(); }

  private:
    [[nodiscard]] std::vector<std::string> ssh(const std::string &address, const std::string &command) const;

    TempFolder folder_;
    std::string sha256_;
    std::optional<Process> process_;
};

/// BIRD with a BGP session to one neighbour over each IP version: a keepalive each second, a hold time of
/// three seconds. It does not change the kernel's routes.
class Bird {
  public:
    struct Side {
        std::string address, address6;
        unsigned as = 0;
    };
    /// `announced` is an IPv4 prefix; it may be empty.
    Bird(const Namespace &ns, const Side &local, const Side &neighbour, const std::string &announced = {});

    [[nodiscard]] bool established() const; ///< both sessions
    /// One line per session, with its state and the time of its last state change.
    [[nodiscard]] std::string sessions() const;
    [[nodiscard]] bool has_route(const std::string &prefix) const;

  private:
    [[nodiscard]] std::string birdc(const std::vector<std::string> &command) const;

    const Namespace &ns_;
    TempFolder folder_;
    std::optional<Process> process_;
};

} // namespace glb::test
