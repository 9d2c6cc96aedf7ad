#include <catch2/catch.hpp>

#include "controller/state/history.h"
#include "folder.h"

using namespace glb;
using namespace glb::state;
using namespace glb::test;

namespace {

HistoryEntry entry_of(const std::string &manifest) {
    HistoryEntry entry;
    entry.time = "2026-01-31T12:00:00Z";
    entry.by = "apply";
    entry.uid = 1000;
    entry.pid = 42;
    entry.epoch = 7;
    entry.manifest = manifest;
    return entry;
}

} // namespace

TEST_CASE("history: newest first, with time and origin", "[state]") {
    const Folder folder;
    History history(folder.path / "history");
    CHECK(history.entries().empty());
    REQUIRE(history.add(entry_of("one")));
    auto by_daemon = entry_of("two");
    by_daemon.uid.reset();
    by_daemon.pid.reset();
    by_daemon.by = "reload";
    by_daemon.file = "/etc/glb/manifest.json";
    REQUIRE(history.add(by_daemon));
    const auto entries = history.entries();
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].manifest == "two");
    CHECK(entries[0].by == "reload");
    CHECK(entries[0].file == "/etc/glb/manifest.json");
    CHECK_FALSE(entries[0].uid);
    CHECK(entries[1].manifest == "one");
    CHECK(entries[1].file.empty());
    CHECK(entries[1].time == "2026-01-31T12:00:00Z");
    CHECK(entries[1].uid == 1000u);
    CHECK(entries[1].pid == 42);
    CHECK(entries[1].epoch == 7);
}

TEST_CASE("history: limited to twenty entries, repeated manifests are merged, also after a restart",
          "[state]") {
    const Folder folder;
    for (int i = 0; i < 25; ++i) {
        History history(folder.path / "history"); // as after a restart
        REQUIRE(history.add(entry_of("m" + std::to_string(i))));
        REQUIRE(history.add(entry_of("m" + std::to_string(i))));
    }
    const auto entries = History(folder.path / "history").entries();
    REQUIRE(entries.size() == History::max_entries);
    CHECK(entries.front().manifest == "m24");
    CHECK(entries.back().manifest == "m5");
}

TEST_CASE("history: damaged entries are skipped", "[state]") {
    const Folder folder;
    History history(folder.path / "history");
    for (const auto *text : {"one", "two", "three"})
        REQUIRE(history.add(entry_of(text)));
    folder.write("history/2", std::string(100, '\0'));
    folder.write("history/3", folder.read("history/3").substr(0, 20));
    folder.write("history/notes", "foreign file");
    CHECK(History(folder.path / "history").entries().size() == 1);
    const auto conditions = History(folder.path / "history").conditions();
    REQUIRE(conditions.size() == 2);
    CHECK(conditions[0].where == (folder.path / "history/3").string());
    CHECK(conditions[1].where == (folder.path / "history/2").string());
    REQUIRE(History(folder.path / "history").add(entry_of("four")));
    const auto entries = History(folder.path / "history").entries();
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].manifest == "four");
    CHECK(entries[1].manifest == "one");
}

TEST_CASE("history: a failed write is an error and keeps the entries", "[state]") {
    const Folder folder;
    History history(folder.path / "history");
    REQUIRE(history.add(entry_of("one")));
    {
        const FileSizeLimit limit(10);
        CHECK_FALSE(history.add(entry_of("two")));
    }
    CHECK(history.entries().size() == 1);
    CHECK(history.add(entry_of("two")));
    CHECK(history.entries().size() == 2);
}

TEST_CASE("history: a folder or an entry that cannot be read is a condition, one that does not exist is none",
          "[state]") {
    const Folder folder;
    CHECK(History(folder.path / "history").conditions().empty());
    std::filesystem::create_directories(folder.path / "history" / "1");
    auto conditions = History(folder.path / "history").conditions();
    REQUIRE(conditions.size() == 1);
    CHECK(conditions[0].message.find("Is a directory") != std::string::npos);
    std::filesystem::remove_all(folder.path / "history");
    folder.write("history", "");
    conditions = History(folder.path / "history").conditions();
    REQUIRE(conditions.size() == 1);
    CHECK(conditions[0].where == (folder.path / "history").string());
    CHECK(conditions[0].message.find("Not a directory") != std::string::npos);
}
