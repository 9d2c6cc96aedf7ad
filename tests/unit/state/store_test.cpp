#include <catch2/catch.hpp>

#include <fstream>

#include <sys/stat.h>
#include <sys/wait.h>

#include "controller/state/store.h"
#include "tests/unit/state/folder.h"

using namespace glb;
using namespace glb::test;

namespace {

StateStore open_store(const std::filesystem::path &folder) {
    auto store = StateStore::open(folder);
    if (!store)
        FAIL(store.error().message);
    return std::move(*store);
}

} // namespace

TEST_CASE("missing folders are made, for their owner alone", "[state]") {
    const Folder folder;
    const auto deep = folder.path / "a" / "b";
    const auto store = open_store(deep);
    struct stat info {};
    REQUIRE(::stat(deep.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("a folder that cannot be had is named", "[state]") {
    const Folder folder;
    folder.write("file", "");
    const auto store = StateStore::open(folder.path / "file" / "state");
    REQUIRE_FALSE(store);
    CHECK(store.error().message.find((folder.path / "file").string()) != std::string::npos);
}

TEST_CASE("a second daemon on one state folder is refused in one line that names the first", "[state]") {
    const Folder folder;
    {
        const auto first = open_store(folder.path);
        const auto second = StateStore::open(folder.path);
        REQUIRE_FALSE(second);
        CHECK(second.error().code == EBUSY);
        CHECK(second.error().message ==
              fmt::format("another glbd (pid {}) uses the state folder {}; stop it, or give this one another "
                          "folder with --state-dir",
                          ::getpid(), folder.path.string()));
    }
    CHECK(StateStore::open(folder.path));
}

TEST_CASE("the lock of a daemon that was killed is free", "[state]") {
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

TEST_CASE("the manifest in force outlives the store; forgotten, it is gone", "[state]") {
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
    REQUIRE(store.forget_manifest());
    CHECK_FALSE(store.load_manifest().text);
}

TEST_CASE("a seed is made once, random, and stays", "[state]") {
    const Folder folder, other;
    HashSeed seed;
    {
        auto store = open_store(folder.path);
        const auto made = store.hash_seed(std::nullopt, true);
        REQUIRE(made);
        CHECK(made->warning.empty());
        CHECK(made->seed.size() == 16);
        seed = made->seed;
    }
    auto store = open_store(folder.path);
    const bool may_create = GENERATE(false, true);
    const auto again = store.hash_seed(HashSeed(16, 1), may_create);
    REQUIRE(again);
    CHECK(again->seed == seed);
    CHECK(again->warning.empty());
    CHECK(open_store(other.path).hash_seed(std::nullopt, true)->seed != seed);
}

TEST_CASE("a lost seed: that of the running maps, else a new one only where no flow lives", "[state]") {
    const Folder folder;
    auto store = open_store(folder.path);
    const bool damaged = GENERATE(false, true);
    if (damaged)
        folder.write("hash-seed", std::string(40, '\0'));

    SECTION("refused") {
        const auto refused = store.hash_seed(std::nullopt, false);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message.find((folder.path / "hash-seed").string()) != std::string::npos);
        CHECK(refused.error().message.find("node.hashSeed") != std::string::npos);
    }
    SECTION("the running one, for good") {
        const HashSeed running{1, 2, 3, 4, 5, 6, 7, 255};
        const auto taken = store.hash_seed(running, false);
        REQUIRE(taken);
        CHECK(taken->seed == running);
        CHECK_FALSE(taken->warning.empty());
        CHECK(store.hash_seed(std::nullopt, false)->seed == running);
    }
    SECTION("a new one") {
        const auto made = store.hash_seed(std::nullopt, true);
        REQUIRE(made);
        CHECK(made->warning.empty() != damaged);
        CHECK(store.hash_seed(std::nullopt, false)->seed == made->seed);
    }
}

TEST_CASE("a seed file that is whole but holds no seed is no seed", "[state]") {
    const Folder folder;
    auto store = open_store(folder.path);
    const std::string text = GENERATE(std::string(), std::string("\n"), std::string("0011223344556677"),
                                      std::string("00112233445566zz\n"), std::string("00112233445566\n"),
                                      std::string(66, '0') + "\n", std::string("0011223344556677 \n"));
    REQUIRE(ChecksummedFile(folder.path / "hash-seed").save(text));
    CHECK_FALSE(store.hash_seed(std::nullopt, false));
}

TEST_CASE("values are kept one by one, and a failed store changes none", "[state]") {
    const Folder folder;
    {
        auto store = open_store(folder.path);
        CHECK(store.value("drained").is_null());
        REQUIRE(store.set_value("drained", {"firewalls/fw-1"}));
        REQUIRE(store.set_value("health", {{"firewalls/fw-1", "healthy"}}));
        REQUIRE(store.set_value("gone", 1));
        REQUIRE(store.set_value("gone", nullptr));
        REQUIRE(store.set_value("odd", "not UTF-8: \xff"));
        const SmallFiles limit(300);
        const auto failed = store.set_value("drained", std::string(1000, 'x'));
        REQUIRE_FALSE(failed);
        CHECK(failed.error().message.find((folder.path / "values").string()) != std::string::npos);
        CHECK(store.value("drained") == nlohmann::json{"firewalls/fw-1"});
    }
    const auto store = open_store(folder.path);
    CHECK(store.warning().empty());
    CHECK(store.value("drained") == nlohmann::json{"firewalls/fw-1"});
    CHECK(store.value("health") == nlohmann::json{{"firewalls/fw-1", "healthy"}});
    CHECK(store.value("gone").is_null());
}

TEST_CASE("damaged values: the generation before, else none, with a warning", "[state]") {
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
