// A folder that one process has to itself.
#include "controller/util/lock_file.h"

#include <csignal>
#include <filesystem>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace fs = std::filesystem;

namespace {

struct LockedFolder {
    fs::path path = fs::temp_directory_path() / ("glb-lock-" + std::to_string(::getpid()));
    ~LockedFolder() { fs::remove_all(path); }
};

} // namespace

TEST_CASE("a locked folder is another's, who is named, until it closes the lock or is killed", "[util]") {
    const LockedFolder folder;
    int told[2];
    REQUIRE(::pipe(told) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto lock = glb::lock_folder(folder.path / "pins");
        const char done = lock ? 'y' : 'n';
        (void)!::write(told[1], &done, 1);
        for (;;)
            ::pause();
    }
    char done = 0;
    REQUIRE(::read(told[0], &done, 1) == 1);
    REQUIRE(done == 'y');
    const auto refused = glb::lock_folder(folder.path / "pins");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(told[0]);
    ::close(told[1]);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == EBUSY);
    CHECK(refused.error().message ==
          fmt::format("another process (pid {}) has the folder {}", child, (folder.path / "pins").string()));
    auto lock = glb::lock_folder(folder.path / "pins");
    CHECK(lock);
    CHECK_FALSE(glb::lock_folder(folder.path / "pins"));
    lock->reset();
    CHECK(glb::lock_folder(folder.path / "pins"));
}

TEST_CASE("a folder that cannot be locked is an error, not a wait", "[util]") {
    const LockedFolder folder;
    fs::create_directories(folder.path);
    fs::create_symlink("/nonexistent/folder", folder.path / "pins");
    const auto refused = glb::lock_folder(folder.path / "pins");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ENOENT);
}
