#include "controller/datapath/migration/flow_copy.h"

#include <bit>
#include <cassert>
#include <cstring>
#include <random>

#include "flow/flow_state.h"
#include "lib/hash.h"

// The data path's accesses, natively: BPF loads and stores are relaxed, exchanges are ordered in both.
#define GLB_READ(lvalue) __atomic_load_n(&(lvalue), __ATOMIC_ACQUIRE)
#define GLB_WRITE(lvalue, value) __atomic_store_n(&(lvalue), (value), __ATOMIC_RELAXED)
#define GLB_PUBLISH(lvalue, value) ((void)__atomic_exchange_n(&(lvalue), (value), __ATOMIC_SEQ_CST))
#define GLB_FLOW_GLOBAL static inline

namespace glb::datapath {

/// The state behind the free functions that flow/flow_table.h calls: the table that this thread writes.
struct FlowCopyContext {
    FlowCopy *copy = nullptr;
    FlowCopy::Counts *counts = nullptr;
    std::minstd_rand random{std::random_device{}()};

    static FlowCopyContext &current() {
        static thread_local FlowCopyContext context;
        return context;
    }
    [[nodiscard]] NewerTable &table() const {
        assert(copy); // while a copy runs
        return copy->into_;
    }
    [[nodiscard]] bool expired(std::uint64_t meta, std::uint32_t now) const {
        return !FlowMeta{meta}.live(now, copy->timeouts_);
    }
    void stamp(std::uint64_t tag) const { copy->stamps_[(tag >> 20) & (GLB_STAMPS - 1)] = true; }
};

namespace {

glb_flow_hot *glb_flow_hot_at(__u32 slot) {
    const auto &hot = FlowCopyContext::current().table().hot;
    return slot < hot.size() ? &hot[slot] : nullptr;
}

glb_flow_cold *glb_flow_cold_at(__u32 slot) {
    const auto &cold = FlowCopyContext::current().table().cold;
    return slot < cold.size() ? &cold[slot] : nullptr;
}

__u32 glb_random() {
    return static_cast<__u32>(FlowCopyContext::current().random());
}

int glb_flow_expired(__u64 meta, __u32 now, __u32) {
    return FlowCopyContext::current().expired(meta, now);
}

void glb_flow_on_evict(__u64 tag, __u32) {
    ++FlowCopyContext::current().counts->evicted;
    FlowCopyContext::current().stamp(tag);
}

void glb_flow_withdrawn() {}

#include "flow/flow_table.h"

/// A copy of one line of the older table.
struct Line {
    std::uint64_t meta = 0;
    std::uint64_t tag = 0;
    glb_flow_count count[4];
    glb_flow_cold cold; ///< its first 48 bytes
};

/// False if the entry is free or being replaced: the next pass reads it.
bool read_line(const OlderTable &table, std::uint32_t slot, Line &line) {
    const auto &hot = table.hot[slot];
    line.meta = GLB_READ(hot.meta);
    if ((line.meta & GLB_META_BUSY) || !glb_meta_code(line.meta))
        return false;
    line.tag = GLB_READ(hot.tag);
    std::memcpy(line.count, hot.count, sizeof line.count);
    std::memcpy(&line.cold, &table.cold[slot], 48);
    const auto again = GLB_READ(hot.meta);
    const auto generation = glb_meta_generation(line.meta);
    if ((again & GLB_META_BUSY) || !glb_meta_code(again) || glb_meta_generation(again) != generation ||
        line.cold.generation != generation)
        return false;
    line.meta = again;
    return true;
}

glb_flow_key key_of(const Line &line) {
    glb_flow_key key{};
    key.tag = line.tag;
    key.endpoint = line.cold.endpoint;
    key.orientation = line.cold.initiator;
    key.tcp = (line.meta & GLB_META_TCP) != 0;
    std::memcpy(key.tuple.low, line.cold.low, sizeof key.tuple.low);
    std::memcpy(key.tuple.high, line.cold.high, sizeof key.tuple.high);
    key.tuple.low_port = line.cold.low_port;
    key.tuple.high_port = line.cold.high_port;
    key.tuple.ip_proto = line.cold.ip_proto;
    key.tuple.family = line.cold.family;
    return key;
}

glb_flow_insert_args insert_args_of(const Line &line, std::uint32_t now) {
    glb_flow_insert_args args{};
    args.migrated_meta = line.meta;
    args.migrated_start = line.cold.start_tick;
    args.now = now;
    args.target = glb_meta_target(line.meta);
    return args;
}

/// Whether the older table's `meta` of a flow is the more recent one. In the same tick the more advanced
/// state is, unless it is closed: a new flow of the same endpoints may have followed.
bool is_later(std::uint64_t older, std::uint64_t newer) {
    const auto ahead =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(older) - static_cast<std::uint32_t>(newer));
    if (ahead != 0)
        return ahead > 0;
    return glb_meta_code(older) > glb_meta_code(newer) && glb_meta_code(older) < GLB_FLOW_CLOSED;
}

/// True if the entry was updated from the older table's line.
bool update_entry(glb_flow_hot &hot, const Line &line, ActiveProgram active) {
    auto meta = glb_flow_read_line(&hot, line.tag);
    for (int attempt = 0; meta && attempt < 4; ++attempt) {
        const auto wanted = glb_meta_with_generation(line.meta, glb_meta_generation(meta));
        if (wanted == meta || (active == ActiveProgram::newer && !is_later(line.meta, meta)))
            return false;
        if (__sync_val_compare_and_swap(&hot.meta, meta, wanted) == meta)
            return true;
        meta = glb_flow_read_line(&hot, line.tag);
    }
    return false;
}

void copy_counts(glb_flow_hot &hot, const Line &line, ActiveProgram active) {
    for (int i = 0; i < 4; ++i) {
        if (active == ActiveProgram::older) {
            GLB_WRITE(hot.count[i].packets, line.count[i].packets);
            GLB_WRITE(hot.count[i].bytes, line.count[i].bytes);
        } else {
            __atomic_fetch_add(&hot.count[i].packets, line.count[i].packets, __ATOMIC_RELAXED);
            __atomic_fetch_add(&hot.count[i].bytes, line.count[i].bytes, __ATOMIC_RELAXED);
        }
    }
}

} // namespace

FlowCopy::FlowCopy(OlderTable from, NewerTable into, TargetTimeouts timeouts)
    : from_(from), into_(into), timeouts_(std::move(timeouts)), stamps_(GLB_STAMPS) {}

void FlowCopy::copy_line(std::uint32_t slot, std::uint32_t now, ActiveProgram active, Counts &counts) {
    Line line;
    if (!read_line(from_, slot, line) || !FlowMeta{line.meta}.live(now, timeouts_))
        return;
    const auto bucket_mask = static_cast<std::uint32_t>(into_.hot.size() / GLB_FLOW_WAYS - 1);
    const int found = glb_flow_lookup(line.tag, bucket_mask, 0xffffffff);
    if (found >= 0) {
        auto &hot = into_.hot[found];
        if (update_entry(hot, line, active))
            ++counts.updated;
        if (active == ActiveProgram::older)
            copy_counts(hot, line, active);
        return;
    }
    const auto key = key_of(line);
    auto args = insert_args_of(line, now);
    const int place = glb_flow_insert(&key, &args, bucket_mask);
    if (place < 0) {
        ++counts.no_place;
        FlowCopyContext::current().stamp(line.tag);
        return;
    }
    copy_counts(into_.hot[place], line, active);
    ++counts.copied;
}

FlowCopy::Counts FlowCopy::pass(std::uint32_t now, ActiveProgram active) {
    Counts counts;
    auto &context = FlowCopyContext::current();
    context.copy = this;
    context.counts = &counts;
    for (std::uint32_t slot = 0; slot < from_.hot.size(); ++slot)
        copy_line(slot, now, active, counts);
    context.copy = nullptr;
    context.counts = nullptr;
    return counts;
}

} // namespace glb::datapath
