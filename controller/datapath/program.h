// The loaded data path: program and maps. The only part that knows libbpf.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "abi/reasons.h"
#include "controller/datapath/bank.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// What is fixed when the program is loaded; key and capacity belong to the flow table and go with it.
struct LoadSettings {
    std::uint32_t capacity = 1u << 20; ///< flow table entries, a power of two in the ABI's limits
    std::array<std::uint32_t, GLB_NH_KEYS> table_key{};
    std::uint32_t door_magic = 0; ///< not 0
};

/// The capacity that a wish of `entries` gets: the next power of two within the limits.
[[nodiscard]] std::uint32_t round_capacity(std::uint64_t entries);

class Program {
  public:
    /// Opens and loads program and maps. Fails with the kernel's words (the verifier's last lines).
    [[nodiscard]] static Result<Program> load(const LoadSettings &settings);

    Program(Program &&) noexcept;
    Program &operator=(Program &&) noexcept;
    ~Program();

    [[nodiscard]] int fd() const;
    [[nodiscard]] int map_fd(const char *name) const; ///< -1 where there is no such map

    /// Writes the idle bank whole. The running traffic does not see it before flip().
    [[nodiscard]] Status write_idle_bank(const BankImage &image);
    /// Makes the idle bank the active one, raises the epoch where `new_epoch`, and waits until no packet can
    /// still live in the old bank.
    [[nodiscard]] Status flip(bool new_epoch);
    [[nodiscard]] Result<glb_control> control() const;
    /// Makes every cached egress stale.
    [[nodiscard]] Status raise_route_generation();

    /// Puts a Maglev table of GLB_MAGLEV_SLOTS target indexes at `index` of glb_maglev.
    [[nodiscard]] Status put_maglev(std::uint32_t index, std::span<const std::uint16_t> slots);
    [[nodiscard]] Status set_target_word(std::uint32_t target, std::uint64_t word);
    [[nodiscard]] Status set_group_word(std::uint32_t group, glb_none_action action);
    /// GLB_FALLBACK_SLOTS target indexes that take new flows, spread by weight.
    [[nodiscard]] Status set_fallback(std::uint32_t group, std::span<const std::uint16_t> targets);
    [[nodiscard]] Status set_egress(std::uint32_t fib_ifindex, const glb_egress &egress);
    [[nodiscard]] Status remove_egress(std::uint32_t fib_ifindex);
    [[nodiscard]] Status add_device(std::uint32_t ifindex);

    /// Sums over the CPUs.
    [[nodiscard]] Result<std::vector<glb_count>> drops() const;
    [[nodiscard]] Result<std::vector<glb_count>> counters() const;

  private:
    struct State;
    explicit Program(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace glb::datapath
