// An exclusive lock on a folder.
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

TEST_CASE("lock: the holder's pid is reported, closing the lock or a kill releases it", "[util]") {
    const LockedFolder folder;
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto lock = glb::lock_folder(folder.path / "pins");
        const char done = lock ? 'y' : 'n';
        (void)!::write(ready[1], &done, 1);
        for (;;)
            ::pause();
    }
    char done = 0;
    REQUIRE(::read(ready[0], &done, 1) == 1);
    REQUIRE(done == 'y');
    const auto failed = glb::lock_folder(folder.path / "pins");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EBUSY);
    CHECK(failed.error().message == fmt::format("directory {} is in use by another process (pid {})",
                                                (folder.path / "pins").string(), child));
    auto lock = glb::lock_folder(folder.path / "pins");
    CHECK(lock);
    CHECK_FALSE(glb::lock_folder(folder.path / "pins"));
    lock->reset();
    CHECK(glb::lock_folder(folder.path / "pins"));
}

TEST_CASE("lock: a folder that cannot be locked is an error", "[util]") {
    const LockedFolder folder;
    fs::create_directories(folder.path);
    fs::create_symlink("/nonexistent/folder", folder.path / "pins");
    const auto failed = glb::lock_folder(folder.path / "pins");
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ENOENT);
}
