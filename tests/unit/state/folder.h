// A folder of a test's own, and ways to hurt the files in it.
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
    /// Not atomically and without an envelope, as an accident would.
    void write(const char *name, const std::string &bytes) const {
        std::filesystem::remove(path / name); // generations may share an inode for a moment; accidents do not
        if (!write_file_atomically(path / name, bytes))
            std::abort();
    }
};

/// No file may grow beyond `bytes` while this lives: write() fails with EFBIG.
class SmallFiles {
  public:
    explicit SmallFiles(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    ~SmallFiles() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    SmallFiles(const SmallFiles &) = delete;
    SmallFiles &operator=(const SmallFiles &) = delete;

  private:
    void (*handler_)(int);
    rlimit before_{};
};

} // namespace glb::test
