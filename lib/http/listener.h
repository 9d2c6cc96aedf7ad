// Listener: a listening stream socket, Unix or TCP.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "controller/util/address.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb {

/// Move-only. A Unix listener removes its socket file on destruction, unless another process has replaced it.
class Listener {
  public:
    /// Listens on `path`, with mode 0660, and group `group` if it exists. The socket file of a dead process
    /// is replaced; it is an error if a process listens on it (EADDRINUSE), or if the file is no socket
    /// (EEXIST).
    [[nodiscard]] static Result<Listener> unix_socket(const std::filesystem::path &path,
                                                      const std::string &group = "glb");

    /// Listens on a TCP port, in host order; 0 selects a free one.
    [[nodiscard]] static Result<Listener> tcp(const IpAddress &address, std::uint16_t port);

    /// The same from "ADDR:PORT" or "[ADDR6]:PORT".
    [[nodiscard]] static Result<Listener> tcp(std::string_view address_and_port);

    Listener(Listener &&) noexcept = default;
    Listener &operator=(Listener &&other) noexcept;
    ~Listener();

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] int family() const { return family_; }
    [[nodiscard]] std::uint16_t port() const; ///< of a TCP listener, in host order; else 0

  private:
    Listener(Fd fd, int family) : fd_(std::move(fd)), family_(family) {}
    void remove_file();

    Fd fd_;
    int family_ = 0;
    std::filesystem::path path_; ///< of a Unix listener; device and inode identify its file
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

} // namespace glb
