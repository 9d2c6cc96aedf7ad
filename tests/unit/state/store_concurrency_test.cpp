// Readers of a state store do not disturb its writer.
#include <catch2/catch.hpp>

#include <thread>

#include "controller/state/store.h"
#include "tests/unit/state/folder.h"

using namespace glb;
using namespace glb::state;
using namespace glb::test;

TEST_CASE("state store: values and conditions are read beside a write", "[state]") {
    constexpr int writes = 200;
    const Folder folder;
    auto store = StateStore::open(folder.path);
    REQUIRE(store);
    std::thread writer([&] {
        for (int i = 1; i <= writes; ++i)
            if (!store->set_value("a", i))
                std::abort();
    });
    int last = 0;
    while (last < writes) {
        const auto value = store->value("a");
        const int now = value.is_null() ? 0 : value.get<int>();
        if (now < last || !store->conditions().empty())
            break;
        last = now;
    }
    writer.join();
    CHECK(last == writes);
}
