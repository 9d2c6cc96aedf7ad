#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "controller/util/files.h"

namespace fs = std::filesystem;

namespace {
struct TempFolder {
    fs::path path;
    TempFolder() {
        char name[] = "/tmp/glb-files-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~TempFolder() { fs::remove_all(path); }
};
} // namespace

TEST_CASE("files: an atomic write replaces the file and leaves no temporary file", "[util]") {
    TempFolder folder;
    const auto file = folder.path / "state";
    REQUIRE(glb::write_file_atomically(file, "old"));
    REQUIRE(glb::write_file_atomically(file, "new and longer", 0600));
    CHECK(*glb::read_file(file) == "new and longer");
    CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator{}) == 1);
}

TEST_CASE("files: a failed atomic write keeps the old content", "[util]") {
    TempFolder folder;
    const auto file = folder.path / "state";
    REQUIRE(glb::write_file_atomically(file, "old"));
    fs::create_directory(folder.path / "state.new"); // blocks the temporary name
    const auto failed = glb::write_file_atomically(file, "new");
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.find("state.new") != std::string::npos);
    CHECK(*glb::read_file(file) == "old");
}

TEST_CASE("files: a missing or too large file is an error", "[util]") {
    TempFolder folder;
    CHECK_FALSE(glb::read_file(folder.path / "absent"));
    REQUIRE(glb::write_file_atomically(folder.path / "large", std::string(100, 'x')));
    CHECK_FALSE(glb::read_file(folder.path / "large", 99));
    CHECK(glb::read_file(folder.path / "large", 100));
}
