// A temporary folder, and ways to damage the files in it.
#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include "controller/util/files.h"

namespace glb::test {

struct Folder {
    std::filesystem::path path;

    Folder() {
        char name[] = "/tmp/glb-state-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;

    [[nodiscard]] std::string read(const char *name) const { return *read_file(path / name); }
    [[nodiscard]] bool has(const char *name) const { return std::filesystem::exists(path / name); }
    /// Overwrites a file without a header, as damage would.
    void write(const char *name, const std::string &bytes) const {
        std::filesystem::remove(path / name); // generations may share an inode; damage affects one of them
        if (!write_file_atomically(path / name, bytes))
            std::abort();
    }
};

/// Limits file sizes to `bytes` during its lifetime: write() fails with EFBIG.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit reduced{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &reduced);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(const FileSizeLimit &) = delete;
    FileSizeLimit &operator=(const FileSizeLimit &) = delete;

  private:
    void (*handler_)(int);
    rlimit before_{};
};

} // namespace glb::test
