#include <catch2/catch.hpp>

#include <fstream>

#include <sys/stat.h>
#include <sys/wait.h>

#include "controller/state/store.h"
#include "tests/unit/state/folder.h"

using namespace glb;
using namespace glb::state;
using namespace glb::test;

namespace {

StateStore open_store(const std::filesystem::path &folder) {
    auto store = StateStore::open(folder);
    if (!store)
        FAIL(store.error().message);
    return std::move(*store);
}

} // namespace

TEST_CASE("state store: missing folders are created with mode 0700", "[state]") {
    const Folder folder;
    const auto deep = folder.path / "a" / "b";
    const auto store = open_store(deep);
    struct stat info {};
    REQUIRE(::stat(deep.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("state store: an error names the folder that cannot be created", "[state]") {
    const Folder folder;
    folder.write("file", "");
    const auto store = StateStore::open(folder.path / "file" / "state");
    REQUIRE_FALSE(store);
    CHECK(store.error().message.find((folder.path / "file").string()) != std::string::npos);
}

TEST_CASE("state store: a second daemon on the same folder is refused, with the first one's pid", "[state]") {
    const Folder folder;
    {
        const auto first = open_store(folder.path);
        const auto second = StateStore::open(folder.path);
        REQUIRE_FALSE(second);
        CHECK(second.error().code == EBUSY);
        CHECK(second.error().message ==
              fmt::format("another glbd (pid {}) uses the state directory {}: stop it, or set another "
                          "directory with --state-dir",
                          ::getpid(), folder.path.string()));
    }
    CHECK(StateStore::open(folder.path));
}

TEST_CASE("state store: the lock is released when the daemon is killed", "[state]") {
    const Folder folder;
    const pid_t child = ::fork();
    if (child == 0) {
        const auto store = StateStore::open(folder.path);
        ::raise(SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(folder.has("lock"));
    CHECK(StateStore::open(folder.path));
}

TEST_CASE("state store: the manifest survives a restart until it is removed", "[state]") {
    const Folder folder;
    {
        auto store = open_store(folder.path);
        CHECK_FALSE(store.load_manifest().text);
        REQUIRE(store.save_manifest("{\"version\": 1}"));
        REQUIRE(store.save_manifest("{\"version\": 1, \"node\": {}}"));
    }
    auto store = open_store(folder.path);
    CHECK(store.load_manifest().text == "{\"version\": 1, \"node\": {}}");
    CHECK(store.load_manifest().warning.empty());
    REQUIRE(store.remove_manifest());
    CHECK_FALSE(store.load_manifest().text);
}

TEST_CASE("state store: a seed is generated once and persisted", "[state]") {
    const Folder folder, other;
    HashSeed seed;
    {
        auto store = open_store(folder.path);
        const auto created = store.hash_seed(std::nullopt, true);
        REQUIRE(created);
        CHECK(created->warning.empty());
        CHECK(created->seed.size() == 16);
        seed = created->seed;
    }
    auto store = open_store(folder.path);
    const bool may_create = GENERATE(false, true);
    const auto loaded = store.hash_seed(HashSeed(16, 1), may_create);
    REQUIRE(loaded);
    CHECK(loaded->seed == seed);
    CHECK(loaded->warning.empty());
    CHECK(open_store(other.path).hash_seed(std::nullopt, true)->seed != seed);
}

TEST_CASE("state store: a lost seed is replaced by the running one, or by a new one only without flows",
          "[state]") {
    const Folder folder;
    auto store = open_store(folder.path);
    const bool damaged = GENERATE(false, true);
    if (damaged)
        folder.write("hash-seed", std::string(40, '\0'));

    SECTION("error") {
        const auto failed = store.hash_seed(std::nullopt, false);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().message.find((folder.path / "hash-seed").string()) != std::string::npos);
        CHECK(failed.error().message.find("node.hashSeed") != std::string::npos);
    }
    SECTION("running seed, persisted") {
        const HashSeed running{1, 2, 3, 4, 5, 6, 7, 255};
        const auto restored = store.hash_seed(running, false);
        REQUIRE(restored);
        CHECK(restored->seed == running);
        CHECK_FALSE(restored->warning.empty());
        CHECK(store.hash_seed(std::nullopt, false)->seed == running);
    }
    SECTION("new seed") {
        const auto created = store.hash_seed(std::nullopt, true);
        REQUIRE(created);
        CHECK(created->warning.empty() != damaged);
        CHECK(store.hash_seed(std::nullopt, false)->seed == created->seed);
    }
}

TEST_CASE("state store: a valid file without a valid seed is an error", "[state]") {
    const Folder folder;
    auto store = open_store(folder.path);
    const std::string text = GENERATE(std::string(), std::string("\n"), std::string("0011223344556677"),
                                      std::string("00112233445566zz\n"), std::string("00112233445566\n"),
                                      fmt::format("{:066}\n", 0), std::string("0011223344556677 \n"));
    REQUIRE(ChecksummedFile(folder.path / "hash-seed").save(text));
    CHECK_FALSE(store.hash_seed(std::nullopt, false));
}

TEST_CASE("state store: values are stored individually, and a failed write changes none", "[state]") {
    const Folder folder;
    {
        auto store = open_store(folder.path);
        CHECK(store.value("drained").is_null());
        REQUIRE(store.set_value("drained", {"firewalls/fw-1"}));
        REQUIRE(store.set_value("health", {{"firewalls/fw-1", "healthy"}}));
        REQUIRE(store.set_value("removed", 1));
        REQUIRE(store.set_value("removed", nullptr));
        REQUIRE(store.set_value("odd", "not UTF-8: \xff"));
        const FileSizeLimit limit(300);
        const auto failed = store.set_value("drained", std::string(1000, 'x'));
        REQUIRE_FALSE(failed);
        CHECK(failed.error().message.find((folder.path / "values").string()) != std::string::npos);
        CHECK(store.value("drained") == nlohmann::json{"firewalls/fw-1"});
    }
    const auto store = open_store(folder.path);
    CHECK(store.warning().empty());
    CHECK(store.value("drained") == nlohmann::json{"firewalls/fw-1"});
    CHECK(store.value("health") == nlohmann::json{{"firewalls/fw-1", "healthy"}});
    CHECK(store.value("removed").is_null());
}

TEST_CASE("state store: damaged values fall back to the previous generation, else none, with a warning",
          "[state]") {
    const Folder folder;
    {
        auto store = open_store(folder.path);
        REQUIRE(store.set_value("a", 1));
        REQUIRE(store.set_value("a", 2));
    }
    folder.write("values", "{\"a\": 3}");
    {
        const auto store = open_store(folder.path);
        CHECK(store.value("a") == 1);
        CHECK_FALSE(store.warning().empty());
    }
    REQUIRE(ChecksummedFile(folder.path / "values").save("[]"));
    const auto store = open_store(folder.path);
    CHECK(store.value("a").is_null());
    CHECK_FALSE(store.warning().empty());
}

namespace {

/// "FILE: MESSAGE" of the conditions of this kind.
std::vector<std::string> conditions_of(const StateStore &store, const std::string &what) {
    std::vector<std::string> lines;
    for (const auto &condition : store.conditions())
        if (condition.what == what)
            lines.push_back(std::filesystem::path(condition.where).filename().string() + ": " +
                            condition.message);
    return lines;
}

bool has(const std::vector<std::string> &lines, const std::string &file, const std::string &part) {
    return std::ranges::any_of(lines, [&](const std::string &line) {
        return line.starts_with(file + ": ") && line.find(part) != std::string::npos;
    });
}

} // namespace

TEST_CASE("state store: a lock file that cannot be opened for writing is locked all the same", "[state]") {
    const Folder folder;
    std::filesystem::create_directory(folder.path / "lock");
    auto store = open_store(folder.path);
    CHECK(has(conditions_of(store, "state-unwritable"), "lock",
              (folder.path / "lock").string() + ": Is a directory"));
    const auto second = StateStore::open(folder.path);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == EBUSY);
    REQUIRE(store.set_value("a", 1));
    CHECK(conditions_of(store, "state-unwritable").size() == 1);
    std::filesystem::remove(folder.path / "lock");
    REQUIRE(store.set_value("a", 2));
    CHECK(store.conditions().empty());
    const auto third = StateStore::open(folder.path); // the file is locked now
    REQUIRE_FALSE(third);
    CHECK(third.error().code == EBUSY);
}

TEST_CASE("state store: nothing is wrong with a manifest that was removed", "[state]") {
    const Folder folder;
    {
        auto store = open_store(folder.path);
        REQUIRE(store.save_manifest("{}"));
    }
    std::filesystem::resize_file(folder.path / "manifest", 3);
    auto store = open_store(folder.path);
    CHECK_FALSE(store.load_manifest().text);
    CHECK(conditions_of(store, "state-damaged").size() == 1);
    REQUIRE(store.remove_manifest());
    CHECK(store.conditions().empty());
}

TEST_CASE("state store: files that cannot be read are conditions until a manifest is saved", "[state]") {
    const Folder folder;
    {
        auto store = open_store(folder.path);
        REQUIRE(store.save_manifest("{}"));
        REQUIRE(store.set_value("a", 1));
        REQUIRE(store.hash_seed(std::nullopt, true));
        CHECK(store.conditions().empty());
    }
    for (const auto *file : {"manifest", "values", "hash-seed"}) {
        std::filesystem::remove(folder.path / file);
        std::filesystem::create_directory(folder.path / file);
    }
    auto store = open_store(folder.path);
    CHECK_FALSE(store.load_manifest().text);
    const HashSeed running{1, 2, 3, 4, 5, 6, 7, 8};
    const auto seed = store.hash_seed(running, false); // is used although it cannot be stored
    REQUIRE(seed);
    CHECK(seed->seed == running);
    CHECK(seed->warning.find("cannot be stored") != std::string::npos);
    const auto damaged = conditions_of(store, "state-damaged");
    CHECK(damaged.size() == 3);
    for (const auto *file : {"manifest", "values", "hash-seed"})
        CHECK(has(damaged, file, (folder.path / file).string() + ": Is a directory"));
    CHECK(has(conditions_of(store, "state-unwritable"), "hash-seed", "Is a directory"));
    CHECK_FALSE(store.save_manifest("{}"));
    CHECK(has(conditions_of(store, "state-unwritable"), "manifest", "Is a directory"));

    for (const auto *file : {"manifest", "values", "hash-seed"})
        std::filesystem::remove(folder.path / file);
    REQUIRE(store.save_manifest("{}"));
    REQUIRE(store.persist_hash_seed(running));
    CHECK(store.conditions().empty());
}
