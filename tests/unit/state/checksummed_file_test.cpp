// A damaged file is never used, whichever byte is affected; the previous generation is.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include "controller/state/checksummed_file.h"
#include "tests/unit/state/folder.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("checksummed file: reads back what was saved, for any bytes", "[state]") {
    const Folder folder;
    const state::ChecksummedFile file(folder.path / "manifest");
    CHECK_FALSE(file.load().text);
    CHECK(file.load().warning.empty());

    const std::string content = GENERATE(std::string(), std::string("{}\n"), std::string("\n\nglb-kept 1\n"),
                                         std::string("a\0b", 3), std::string(300000, 'x'));
    REQUIRE(file.save(content));
    CHECK(file.load().text == content);
    CHECK(file.load().warning.empty());
    struct stat info {};
    REQUIRE(::stat(file.path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK_FALSE(folder.has("manifest.next"));
}

TEST_CASE("checksummed file: empty, truncated, zeroed, modified and foreign files fall back to the previous "
          "generation",
          "[state]") {
    const Folder folder;
    const state::ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("previous"));
    REQUIRE(file.save("latest, and longer"));
    const std::string whole = folder.read("manifest");

    const auto falls_back = [&](const std::string &damaged) {
        folder.write("manifest", damaged);
        const auto loaded = file.load();
        return loaded.text == "previous" && loaded.warning.find("manifest") != std::string::npos;
    };
    CHECK(falls_back(""));
    CHECK(falls_back("{\"version\": 1}"));
    CHECK(falls_back(std::string(whole.size(), '\0')));
    CHECK(falls_back(whole + "x"));
    CHECK(falls_back(whole + std::string(100, '\0')));
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        CAPTURE(cut);
        REQUIRE(falls_back(whole.substr(0, cut)));
        REQUIRE(falls_back(whole.substr(0, cut) + std::string(whole.size() - cut, '\0')));
    }
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        CAPTURE(bit);
        auto flipped = whole;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        REQUIRE(falls_back(flipped));
    }
    std::filesystem::remove(file.path());
    CHECK(file.load().text == "previous");
    CHECK_FALSE(file.load().warning.empty());
}

TEST_CASE("checksummed file: saving does not replace the last valid generation by a damaged file",
          "[state]") {
    const Folder folder;
    const state::ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("good"));
    REQUIRE(file.save("damaged soon"));
    folder.write("manifest", "");
    REQUIRE(file.save("next"));
    CHECK(file.load().text == "next");
    folder.write("manifest", "");
    CHECK(file.load().text == "good");
}

TEST_CASE("checksummed file: with both generations damaged there is no content, and both are reported",
          "[state]") {
    const Folder folder;
    const state::ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("one"));
    REQUIRE(file.save("two"));
    folder.write("manifest", "");
    folder.write("manifest.previous", "glb-kept 1");
    const auto loaded = file.load();
    CHECK_FALSE(loaded.text);
    CHECK(loaded.warning == (folder.path / "manifest").string() + " is empty; " +
                                (folder.path / "manifest.previous").string() + " is truncated or damaged");
}

TEST_CASE("checksummed file: a crash at any point of saving leaves a valid generation", "[state]") {
    const Folder folder;
    const state::ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("active"));
    SECTION("while the new file is written") {
        folder.write("manifest.next.new", "glb-kept 1 9 00");
    }
    SECTION("after the new file is written") {
        folder.write("manifest.next", folder.read("manifest"));
    }
    SECTION("after the previous generation is linked") {
        folder.write("manifest.next", folder.read("manifest"));
        std::filesystem::create_hard_link(file.path(), folder.path / "manifest.previous");
        std::filesystem::create_hard_link(file.path(), folder.path / "manifest.previous.new");
    }
    CHECK(file.load().text == "active");
    CHECK(file.load().warning.empty());
    REQUIRE(file.save("after the crash"));
    CHECK(file.load().text == "after the crash");
    folder.write("manifest", "");
    CHECK(file.load().text == "active");
}

TEST_CASE("checksummed file: a failed write keeps the content, and the error names file and fix", "[state]") {
    const Folder folder;
    const state::ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("previous"));
    REQUIRE(file.save("active"));
    const std::string large(200000, 'x');
    {
        const FileSizeLimit limit(100000);
        const auto failed = file.save(large);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == EFBIG);
        CHECK(failed.error().message.find((folder.path / "manifest").string()) != std::string::npos);
        CHECK(failed.error().message.find("raise the file size limit") != std::string::npos);
    }
    CHECK(file.load().text == "active");
    CHECK_FALSE(folder.has("manifest.next"));
    CHECK_FALSE(folder.has("manifest.next.new"));
    folder.write("manifest", "");
    CHECK(file.load().text == "previous");
}

TEST_CASE("checksummed file: remove() removes both generations", "[state]") {
    const Folder folder;
    const state::ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.remove());
    REQUIRE(file.save("one"));
    REQUIRE(file.save("two"));
    REQUIRE(file.remove());
    CHECK_FALSE(file.load().text);
    CHECK(file.load().warning.empty());
}
