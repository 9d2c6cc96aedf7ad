// Threads insert, look up, advance and evict flows in one small table. None of these may occur: a reader that
// accepts another flow's entry, two entries of one flow, a late write that is accepted as the flow's own.
#include <catch2/catch.hpp>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "abi/flow.h"

#define GLB_READ(lvalue) __atomic_load_n(&(lvalue), __ATOMIC_RELAXED)
#define GLB_WRITE(lvalue, value) __atomic_store_n(&(lvalue), (value), __ATOMIC_RELAXED)
#define GLB_PUBLISH(lvalue, value) ((void)__atomic_exchange_n(&(lvalue), (value), __ATOMIC_SEQ_CST))
#define GLB_FLOW_GLOBAL static

namespace {

constexpr __u32 capacity = GLB_FLOW_MIN_CAPACITY;
constexpr __u32 bucket_mask = capacity / GLB_FLOW_WAYS - 1;
constexpr __u32 lifetime = 40; // in ticks; a tick is a number of operations here

std::vector<glb_flow_hot> hot_lines(capacity);
std::vector<glb_flow_cold> cold_lines(capacity);
std::atomic<std::uint64_t> replaced{0};
std::atomic<std::uint64_t> duplicates_removed{0};

glb_flow_hot *glb_flow_hot_at(__u32 slot) {
    return slot < capacity ? &hot_lines[slot] : nullptr;
}
glb_flow_cold *glb_flow_cold_at(__u32 slot) {
    return slot < capacity ? &cold_lines[slot] : nullptr;
}
__u32 glb_random() {
    return 0xa5;
}
int glb_flow_expired(__u64 meta, __u32 now, __u32) {
    const __u32 idle = now - static_cast<__u32>(meta);
    return idle >= lifetime && idle < 0x7fffffff;
}
void glb_flow_on_evict(__u64, __u32) {
    replaced.fetch_add(1, std::memory_order_relaxed);
}
void glb_flow_withdrawn() {
    duplicates_removed.fetch_add(1, std::memory_order_relaxed);
}

#include "flow/flow_table.h"

struct Tally {
    std::uint64_t hits = 0;
    std::uint64_t inserted = 0;
    std::uint64_t restarted = 0; ///< in their own entry, as for a SYN on a closed flow
    std::uint64_t full = 0;
    std::uint64_t wrong_hits = 0;
    std::uint64_t late_writes = 0;
};

__u64 tag_of(std::uint64_t flow) {
    return glb_hash_finish(flow + 0x1234567);
}

/// The target that an entry must hold: derived from the tag, which exposes another flow's entry.
__u32 target_of(__u64 tag) {
    return static_cast<__u32>(tag >> 32) & 0xffff;
}

void use_entry(Tally &tally, __u32 slot, __u64 tag, __u64 meta, __u32 now, std::uint64_t random) {
    auto *hot = glb_flow_hot_at(slot);
    ++tally.hits;
    if (glb_meta_target(meta) != target_of(tag))
        ++tally.wrong_hits;
    // The cached egress contains its entry's generation; a late write must be invalid.
    const __u64 egress = GLB_READ(hot->egress[0]);
    const __u64 expected = glb_meta_generation(meta) << 16 | target_of(tag);
    if (egress && (egress >> 16) == glb_meta_generation(meta) && egress != expected &&
        glb_flow_read(slot, tag) == meta)
        ++tally.late_writes;
    if (random & 1)
        GLB_WRITE(hot->egress[0], expected);
    const __u32 code = random & 2 ? glb_flow_advance(glb_meta_code(meta), 1, GLB_TCP_ACK, 0, random >> 2 & 1)
                                  : glb_meta_code(meta);
    __sync_val_compare_and_swap(&hot->meta, meta, glb_meta_with_seen(glb_meta_with_code(meta, code), now));
}

void run_operations(Tally &tally, std::uint64_t seed, std::uint64_t flows, std::uint64_t operations,
                    std::atomic<std::uint64_t> &clock) {
    std::uint64_t state = seed;
    for (std::uint64_t i = 0; i < operations; ++i) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        const auto random = glb_hash_finish(state);
        const __u64 tag = tag_of(random % flows);
        const auto now = static_cast<__u32>(clock.fetch_add(1, std::memory_order_relaxed) / 4096 + 1000);
        const int slot = glb_flow_lookup(tag, bucket_mask, 0xffffffff);
        const __u64 meta = slot < 0 ? 0 : glb_flow_read(static_cast<__u32>(slot), tag);
        glb_flow_key key{};
        key.tag = tag;
        key.tcp = 1;
        glb_flow_insert_args args{};
        args.now = now;
        args.target = target_of(tag);
        if (meta && (random >> 50) % 4 == 0) {
            auto *hot = glb_flow_hot_at(static_cast<__u32>(slot));
            if (glb_flow_restart(hot, static_cast<__u32>(slot), meta, &key, &args, bucket_mask) >= 0) {
                ++tally.restarted;
                if (glb_meta_target(args.meta) != target_of(tag))
                    ++tally.wrong_hits;
            }
            continue;
        }
        if (meta) {
            use_entry(tally, static_cast<__u32>(slot), tag, meta, now, random >> 40);
            continue;
        }
        if (glb_flow_insert(&key, &args, bucket_mask) >= 0) {
            ++tally.inserted;
            if (glb_meta_target(args.meta) != target_of(tag))
                ++tally.wrong_hits;
        } else {
            ++tally.full;
        }
    }
}

std::uint64_t duplicates() {
    std::set<__u64> seen;
    std::uint64_t twice = 0;
    for (const auto &line : hot_lines)
        if (glb_meta_code(line.meta) && !seen.insert(line.tag).second)
            ++twice;
    return twice;
}

} // namespace

TEST_CASE("flow table: no duplicates, foreign hits or late writes under four threads", "[concurrency]") {
    const auto flows = GENERATE(64u, 3000u, 20000u); // contended, three quarters full, more than full
    std::fill(hot_lines.begin(), hot_lines.end(), glb_flow_hot{});
    std::atomic<std::uint64_t> clock{0};
    std::vector<Tally> tallies(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < tallies.size(); ++i)
        threads.emplace_back([&, i] { run_operations(tallies[i], 77 + i, flows, 400000, clock); });
    for (auto &thread : threads)
        thread.join();
    Tally sum;
    for (const auto &tally : tallies) {
        sum.hits += tally.hits;
        sum.inserted += tally.inserted;
        sum.restarted += tally.restarted;
        sum.full += tally.full;
        sum.wrong_hits += tally.wrong_hits;
        sum.late_writes += tally.late_writes;
    }
    WARN(flows << " flows: " << sum.hits << " hits, " << sum.inserted << " inserted, " << sum.restarted
               << " restarted, " << sum.full << " not inserted, " << replaced << " replaced, "
               << duplicates_removed << " duplicates removed");
    CHECK(sum.wrong_hits == 0);
    CHECK(sum.late_writes == 0);
    CHECK(duplicates() == 0);
    CHECK(sum.hits > 0);
    CHECK(sum.inserted > 0);
    CHECK(sum.restarted > 0);
    for (const auto &line : hot_lines)
        CHECK_FALSE(line.meta & GLB_META_BUSY);
}
