// FreeDescriptors: limits how many descriptors the process can open.
#pragma once

#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/resource.h>

#include "controller/util/fd.h"

namespace glb::test {

/// The process can open `count` more descriptors, until the destructor.
class FreeDescriptors {
  public:
    explicit FreeDescriptors(std::size_t count) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        std::vector<Fd> lowest(count + 1);
        for (auto &descriptor : lowest)
            descriptor = Fd(::open("/", O_PATH | O_CLOEXEC));
        REQUIRE(lowest.back());
        const rlimit limit{static_cast<rlim_t>(lowest.back().get()), before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    ~FreeDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    FreeDescriptors(const FreeDescriptors &) = delete;
    FreeDescriptors &operator=(const FreeDescriptors &) = delete;

  private:
    rlimit before_{};
};

} // namespace glb::test
