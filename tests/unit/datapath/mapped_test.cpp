// Mapped: rows of a descriptor in memory.
#include <catch2/catch.hpp>

#include <cstdint>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "controller/datapath/mapped.h"
#include "controller/util/fd.h"

using namespace glb;
using namespace glb::datapath;

namespace {

constexpr std::size_t rows = 1024;

Fd memory_file() {
    Fd fd(::memfd_create("rows", MFD_CLOEXEC));
    REQUIRE(fd);
    REQUIRE(::ftruncate(fd.get(), rows * sizeof(std::uint64_t)) == 0);
    return fd;
}

} // namespace

TEST_CASE("mapped: two mappings of one descriptor share the rows, after it is closed too", "[mapped]") {
    auto fd = memory_file();
    const auto writer = Mapped<std::uint64_t>::map(fd.get(), rows, "rows");
    const auto reader = Mapped<const std::uint64_t>::map(fd.get(), rows, "rows");
    REQUIRE(writer);
    REQUIRE(reader);
    fd.reset();
    (*writer)[rows - 1] = 42;
    CHECK((*reader)[rows - 1] == 42);
    CHECK(reader->size() == rows);
}

TEST_CASE("mapped: a moved mapping has one owner", "[mapped]") {
    const auto fd = memory_file();
    auto first = Mapped<std::uint64_t>::map(fd.get(), rows, "rows");
    REQUIRE(first);
    Mapped<std::uint64_t> second(std::move(*first));
    CHECK(first->size() == 0);
    second[0] = 7;
    Mapped<std::uint64_t> third;
    third = std::move(second);
    CHECK(third[0] == 7);
}

TEST_CASE("mapped: a view does not unmap its memory", "[mapped]") {
    std::vector<std::uint64_t> memory(rows);
    {
        const auto view = Mapped<std::uint64_t>::view(memory);
        view[3] = 9;
    }
    CHECK(memory[3] == 9);
}

TEST_CASE("mapped: an error names the map", "[mapped]") {
    const auto failed = Mapped<std::uint64_t>::map(-1, rows, "glb_flows_hot");
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EBADF);
    CHECK(failed.error().message.starts_with("cannot map 1024 rows of glb_flows_hot: "));
}
