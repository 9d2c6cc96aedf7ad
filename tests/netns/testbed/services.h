// What an operator runs on a router beside glb: sshd, and a BGP daemon.
#pragma once

#include <string>

#include "tests/harness/netns.h"
#include "tests/harness/traffic.h"

namespace glb::test {

/// A real sshd on port 22 of a namespace with keys of its own, and clients that log in to it by key.
class SshServer {
  public:
    explicit SshServer(const Namespace &ns);

    /// `ssh root@ADDRESS COMMAND` from another namespace; it runs beside the test.
    [[nodiscard]] Process start(const Namespace &from, const std::string &address,
                                const std::string &command) const;
    /// SHA-256 of 1 MB, read through `ssh cat`; else what ssh said.
    [[nodiscard]] std::string download(const Namespace &from, const std::string &address) const;
    [[nodiscard]] const std::string &sha256() const { return sha256_; } ///< of that file
    [[nodiscard]] std::string log() const { return process_->output(); }

  private:
    [[nodiscard]] std::vector<std::string> ssh(const std::string &address, const std::string &command) const;

    TempFolder folder_;
    std::string sha256_;
    std::optional<Process> process_;
};

/// A real BIRD with a BGP session to one neighbour over each IP version, with keepalives each second and a
/// hold time of three. It leaves the kernel's routes alone.
class Bird {
  public:
    struct Side {
        std::string address, address6;
        unsigned as = 0;
    };
    /// `announces`: an IPv4 prefix that the neighbour is told of; may be empty.
    Bird(const Namespace &ns, const Side &own, const Side &neighbour, const std::string &announces = {});

    [[nodiscard]] bool established() const; ///< both sessions
    /// One line a session, with state and the time since when; a session that was ever lost has another.
    [[nodiscard]] std::string sessions() const;
    [[nodiscard]] bool knows(const std::string &prefix) const;

  private:
    [[nodiscard]] std::string ask(const std::vector<std::string> &question) const;

    const Namespace &ns_;
    TempFolder folder_;
    std::optional<Process> process_;
};

} // namespace glb::test
