// The loaded data path: program and maps. The only part that knows libbpf.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "abi/reasons.h"
#include "controller/datapath/endpoint_target_seen.h"
#include "controller/datapath/pins.h"
#include "controller/datapath/target_counts.h"
#include "controller/plan/bank_image.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// What is fixed when the program is loaded; key and capacity belong to the flow table and go with it.
struct LoadSettings {
    std::uint32_t capacity = 1u << 20; ///< flow table entries, a power of two in the ABI's limits
    std::array<std::uint32_t, GLB_NH_KEYS> table_key{};
    std::uint32_t punt_magic = 0; ///< not 0
};

/// The capacity that a wish of `entries` gets: the next power of two within the limits.
[[nodiscard]] std::uint32_t round_capacity(std::uint64_t entries);

/// What tells one table's content from another's; never 0.
[[nodiscard]] std::uint64_t maglev_fingerprint(std::span<const std::uint16_t> slots);

/// The GLB_INDEX_NAMES rows of the pinned glb_index_names (empty: free), without loading anything; an Error
/// where they are not pinned.
[[nodiscard]] Result<std::vector<std::string>> pinned_names(const Pins &pins);

/// The flow table before, that a program looks into on a miss (flow/migrate.h).
struct MigrationSource {
    int table = -1; ///< descriptor of its hot array
    glb_flow_shape shape{};
};

class Program {
  public:
    /// Opens and loads program and maps. Fails with the kernel's words (the verifier's last lines).
    [[nodiscard]] static Result<Program> load(const LoadSettings &settings);
    /// The same with maps that outlive the process: those that are pinned are taken over as they are, the
    /// rest is made and pinned. `settings` must be those of the pinned maps (Pins::metadata()) where there
    /// are any.
    [[nodiscard]] static Result<Program> load(const LoadSettings &settings, const Pins &pins);
    /// Both, of a program that takes flows over from an older table too.
    [[nodiscard]] static Result<Program> load(const LoadSettings &settings, const Pins &pins,
                                              const MigrationSource &older);
    [[nodiscard]] static Result<Program> load(const LoadSettings &settings, const MigrationSource &older);

    Program(Program &&) noexcept;
    Program &operator=(Program &&) noexcept;
    ~Program();

    [[nodiscard]] int fd() const;
    [[nodiscard]] int map_fd(const char *name) const; ///< -1 where there is no such map

    /// Writes the idle bank whole. The running traffic does not see it before flip().
    [[nodiscard]] Status write_idle_bank(const BankImage &image);
    /// Makes the idle bank the active one, and raises the epoch where `new_epoch`. Packets that began before
    /// may live in the old bank for some milliseconds more: whoever writes there, or to a table that is free
    /// since, waits.
    [[nodiscard]] Status flip(bool new_epoch);
    /// One RCU grace period: whatever packet is under way now has ended afterwards.
    [[nodiscard]] Status wait_for_packets() const;
    [[nodiscard]] Result<glb_control> control() const;
    /// Makes every cached egress stale.
    [[nodiscard]] Status raise_route_generation();

    /// Puts a Maglev table of GLB_MAGLEV_SLOTS target indexes at `index` of glb_maglev, and its fingerprint.
    [[nodiscard]] Status put_maglev(std::uint32_t index, std::span<const std::uint16_t> slots);
    [[nodiscard]] Status remove_maglev(std::uint32_t index);
    /// The fingerprint of the table at `index`; 0 where there is none.
    [[nodiscard]] Result<std::uint64_t> maglev_fingerprint_at(std::uint32_t index) const;
    [[nodiscard]] Status set_target_state(std::uint32_t target, std::uint64_t word);
    /// GLB_ENDPOINT_BYPASS and its like (abi/config.h).
    [[nodiscard]] Status set_endpoint_override(std::uint32_t endpoint, std::uint64_t word);
    [[nodiscard]] Result<std::uint64_t> endpoint_override(std::uint32_t endpoint) const;
    [[nodiscard]] Status set_group_action(std::uint32_t group, glb_no_target_action action);
    /// GLB_FALLBACK_SLOTS target indexes that take new flows, spread by weight.
    [[nodiscard]] Status set_fallback(std::uint32_t group, std::span<const std::uint16_t> targets);
    [[nodiscard]] Status set_egress(std::uint32_t fib_ifindex, const glb_egress &egress);
    [[nodiscard]] Status remove_egress(std::uint32_t fib_ifindex);
    [[nodiscard]] Result<std::vector<std::uint32_t>> egress_interfaces() const;
    [[nodiscard]] Status add_device(std::uint32_t ifindex);

    /// Gives or takes the cached egress of (interface of the FIB, MAC). An index may be given to another
    /// neighbour only after raise_route_generation() and a grace period.
    [[nodiscard]] Status set_next_hop(std::uint32_t index, std::uint32_t fib_ifindex,
                                      const glb_next_hop &hop);
    [[nodiscard]] Status remove_next_hop(std::uint32_t fib_ifindex, const MacAddress &mac);
    /// Takes every row, of an earlier daemon too.
    [[nodiscard]] Status clear_next_hops();

    /// The controller's memory beside the configuration.
    [[nodiscard]] Result<glb_metadata> metadata() const;
    [[nodiscard]] Status set_metadata(const glb_metadata &kept);
    /// Stamps places of the filter of untracked flows (bit i: GLB_STAMPS of them) at tick `now`.
    [[nodiscard]] Status stamp(const std::vector<bool> &places, std::uint32_t now);
    [[nodiscard]] Status set_name(std::uint32_t row, const std::string &name);
    [[nodiscard]] Result<std::uint64_t> target_state(std::uint32_t target) const;
    /// Rows of the active bank.
    [[nodiscard]] Result<glb_group> active_group(std::uint32_t group) const;
    [[nodiscard]] Result<glb_target> active_target(std::uint32_t target) const;

    /// Calls `take` with each event that waits. Never blocks; event_fd() is readable when there are some.
    [[nodiscard]] int event_fd() const;
    [[nodiscard]] Status drain_events(const std::function<void(const glb_event &)> &take);

    [[nodiscard]] Result<glb_endpoint_count> endpoint_count(std::uint32_t endpoint) const;
    [[nodiscard]] Result<glb_target_count> target_count(std::uint32_t target) const;
    /// The counts of all targets, to be read as often as one likes; valid as long as the program.
    [[nodiscard]] const TargetCounts &target_counts() const;
    /// Which endpoint came back through which target.
    [[nodiscard]] const EndpointTargetSeen &pairs() const;
    /// Before an index is given to another: counters, pairs, and an endpoint's word go.
    [[nodiscard]] Status forget_endpoint(std::uint32_t endpoint);
    [[nodiscard]] Status forget_target(std::uint32_t target);

    /// Sums over the CPUs.
    [[nodiscard]] Result<std::vector<glb_count>> drops() const;
    [[nodiscard]] Result<std::vector<glb_count>> counters() const;

  private:
    struct State;
    [[nodiscard]] Status end_grace();
    static Result<Program> load(const LoadSettings &settings, const Pins *pins, const MigrationSource *older);
    explicit Program(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace glb::datapath
