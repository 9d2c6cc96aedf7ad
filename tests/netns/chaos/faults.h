// Faults that are injected at random, each of which can be repeated by its seed.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/netns/chaos/tenants.h"

namespace glb::test {

/// What status has to tell while a fault holds.
enum class Visible {
    no,         ///< harmless to traffic, or over at once
    repaired,   ///< within two seconds it is repaired, or told
    while_held, ///< two seconds after its begin, until it is over
};

struct Fault {
    std::string name;
    Visible visible = Visible::no;
    std::function<void()> begin;
    std::function<void()> end = [] {};
    /// Whether it still holds: for Visible::repaired.
    std::function<bool()> holds = [] { return true; };
};

/// What faults act upon. `random` is that of the run.
struct FaultWorld {
    TwoTenants &testbed;
    Daemon &glbd;
    json manifest; ///< that is applied; faults may change it
    std::mt19937 random;
    /// A second daemon's folders are made in this one.
    std::string folder;

    [[nodiscard]] std::size_t pick(std::size_t count) { return random() % count; }
};

/// All kinds of faults. The list is equal for equal states of `world.random`.
[[nodiscard]] std::vector<std::function<Fault(FaultWorld &)>> all_faults();

} // namespace glb::test
