// A full file system. A separate program, since it changes its mount namespace and may be skipped.
#include <catch2/catch.hpp>

#include <sched.h>
#include <sys/mount.h>

#include "controller/state/checksummed_file.h"
#include "tests/harness/skip.h"
#include "tests/unit/state/folder.h"

using namespace glb;
using namespace glb::test;

namespace {

/// Mounts a file system of 64 KiB in a private mount namespace.
class SmallDisk {
  public:
    explicit SmallDisk(const std::filesystem::path &at) : at_(at) {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("glb-test", at.c_str(), "tmpfs", 0, "size=64k") != 0)
            throw std::runtime_error("cannot mount a tmpfs");
    }
    ~SmallDisk() { ::umount(at_.c_str()); }
    SmallDisk(const SmallDisk &) = delete;
    SmallDisk &operator=(const SmallDisk &) = delete;

  private:
    std::filesystem::path at_;
};

} // namespace

TEST_CASE("checksummed file: a full disk keeps the old content; saving works once there is space",
          "[state]") {
    need_root();
    const Folder folder;
    const SmallDisk disk(folder.path);
    const state::ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("active"));
    folder.write("filler", std::string(40000, 'f'));
    const std::string large(30000, 'x');
    const auto failed = file.save(large);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ENOSPC);
    CHECK(failed.error().message == "cannot write " + (folder.path / "manifest.next.new").string() +
                                        ": No space left on device; the previous content is unchanged; free "
                                        "space on the file system of " +
                                        folder.path.string() + " and retry");
    CHECK(file.load().text == "active");
    CHECK(file.load().warning.empty());
    std::filesystem::remove(folder.path / "filler");
    REQUIRE(file.save(large));
    CHECK(file.load().text == large);
}
