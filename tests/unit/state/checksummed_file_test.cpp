// What is damaged is never taken for content, whichever byte it hit; the generation before is.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include "controller/state/checksummed_file.h"
#include "tests/unit/state/folder.h"

using namespace glb;
using namespace glb::test;

TEST_CASE("what was saved is read back, whatever its bytes", "[state]") {
    const Folder folder;
    const ChecksummedFile file(folder.path / "manifest");
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

TEST_CASE("empty, cut, zeroed, flipped and foreign files are never content: the generation before is",
          "[state]") {
    const Folder folder;
    const ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("former"));
    REQUIRE(file.save("latest, and longer"));
    const std::string whole = folder.read("manifest");

    const auto falls_back = [&](const std::string &damaged) {
        folder.write("manifest", damaged);
        const auto kept = file.load();
        return kept.text == "former" && kept.warning.find("manifest") != std::string::npos;
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
    CHECK(file.load().text == "former");
    CHECK_FALSE(file.load().warning.empty());
}

TEST_CASE("a damaged file does not push out the last good one when the next is saved", "[state]") {
    const Folder folder;
    const ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("good"));
    REQUIRE(file.save("damaged soon"));
    folder.write("manifest", "");
    REQUIRE(file.save("next"));
    CHECK(file.load().text == "next");
    folder.write("manifest", "");
    CHECK(file.load().text == "good");
}

TEST_CASE("where both generations are damaged there is no content, and both are named", "[state]") {
    const Folder folder;
    const ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("one"));
    REQUIRE(file.save("two"));
    folder.write("manifest", "");
    folder.write("manifest.previous", "glb-kept 1");
    const auto kept = file.load();
    CHECK_FALSE(kept.text);
    CHECK(kept.warning == (folder.path / "manifest").string() + " is empty; " +
                              (folder.path / "manifest.previous").string() + " is cut or damaged");
}

TEST_CASE("a crash at any point of saving leaves one whole generation at least", "[state]") {
    const Folder folder;
    const ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("in force"));
    SECTION("while the new one is written") {
        folder.write("manifest.next.new", "glb-kept 1 9 00");
    }
    SECTION("when it is written") {
        folder.write("manifest.next", folder.read("manifest"));
    }
    SECTION("when the former one has its second name") {
        folder.write("manifest.next", folder.read("manifest"));
        std::filesystem::create_hard_link(file.path(), folder.path / "manifest.previous");
        std::filesystem::create_hard_link(file.path(), folder.path / "manifest.previous.new");
    }
    CHECK(file.load().text == "in force");
    CHECK(file.load().warning.empty());
    REQUIRE(file.save("after the crash"));
    CHECK(file.load().text == "after the crash");
    folder.write("manifest", "");
    CHECK(file.load().text == "in force");
}

TEST_CASE("where writing fails, what was there stays and the error names file and mend", "[state]") {
    const Folder folder;
    const ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.save("former"));
    REQUIRE(file.save("in force"));
    const std::string large(200000, 'x');
    {
        const SmallFiles limit(100000);
        const auto failed = file.save(large);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == EFBIG);
        CHECK(failed.error().message.find((folder.path / "manifest").string()) != std::string::npos);
        CHECK(failed.error().message.find("raise the limit of file sizes") != std::string::npos);
    }
    CHECK(file.load().text == "in force");
    CHECK_FALSE(folder.has("manifest.next"));
    CHECK_FALSE(folder.has("manifest.next.new"));
    folder.write("manifest", "");
    CHECK(file.load().text == "former");
}

TEST_CASE("removed means both generations", "[state]") {
    const Folder folder;
    const ChecksummedFile file(folder.path / "manifest");
    REQUIRE(file.remove());
    REQUIRE(file.save("one"));
    REQUIRE(file.save("two"));
    REQUIRE(file.remove());
    CHECK_FALSE(file.load().text);
    CHECK(file.load().warning.empty());
}
