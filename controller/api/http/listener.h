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

/// Move-only. A Unix listener removes its socket file when it goes, unless another has taken the name since.
class Listener {
  public:
    /// Listens on `path`, mode 0660, group `group` where it exists. The file of a process that is gone is
    /// replaced; one behind which somebody listens (EADDRINUSE) and one that is no socket (EEXIST) are not.
    [[nodiscard]] static Result<Listener> unix_socket(const std::filesystem::path &path,
                                                      const std::string &group = "glb");

    /// Listens on a TCP port in host order; 0 takes a free one.
    [[nodiscard]] static Result<Listener> tcp(const IpAddress &address, std::uint16_t port);

    /// The same from "ADDR:PORT" or "[ADDR6]:PORT".
    [[nodiscard]] static Result<Listener> tcp(std::string_view address_and_port);

    Listener(Listener &&) noexcept = default;
    Listener &operator=(Listener &&other) noexcept;
    ~Listener();

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] int family() const { return family_; }
    [[nodiscard]] std::uint16_t port() const; ///< of a TCP listener, host order; else 0

  private:
    Listener(Fd fd, int family) : fd_(std::move(fd)), family_(family) {}
    void remove_file();

    Fd fd_;
    int family_ = 0;
    std::filesystem::path path_; ///< of a Unix listener; its file is known by device and inode
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

} // namespace glb
