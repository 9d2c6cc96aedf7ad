// Bytes in Catch2: printed as a dump, compared by CHECK_THAT(actual, equals(expected)).
#pragma once

#include <string>

#include <catch2/catch.hpp>

#include "tests/harness/bytes.h"

namespace Catch {
template <>
struct StringMaker<glb::test::Bytes> {
    static std::string convert(const glb::test::Bytes &bytes) { return glb::test::hexdump(bytes); }
};
} // namespace Catch

namespace glb::test {

/// The matcher of equals(). A failure reports the first offset that differs and dumps both sides.
class EqualBytes : public Catch::MatcherBase<Bytes> {
  public:
    explicit EqualBytes(Bytes expected) : expected_(std::move(expected)) {}
    bool match(const Bytes &actual) const override {
        difference_ = difference(actual, expected_);
        return difference_.empty();
    }
    std::string describe() const override { return "equals the expected bytes; " + difference_; }

  private:
    Bytes expected_;
    mutable std::string difference_;
};

/// CHECK_THAT(result.bytes, equals(Eth{…} / IPv4{…}));
[[nodiscard]] inline EqualBytes equals(Bytes expected) {
    return EqualBytes(std::move(expected));
}

} // namespace glb::test
