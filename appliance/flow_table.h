// FlowTable: the return headers of flows. Bounded; idle flows expire.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "appliance/geneve.h"
#include "appliance/inner_packet.h"

namespace glb::appliance {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// The headers of packets that return to the node. Addresses and ports in network order.
struct ReturnPath {
    std::uint32_t node_address = 0;
    std::uint32_t local_address = 0; ///< the address that the node sent to
    std::uint16_t entropy_port = 0;  ///< UDP source port, in both directions
    std::uint16_t port = 0;          ///< UDP destination port, in both directions
    std::uint16_t header_length = 0;
    std::array<std::uint8_t, geneve_max_length> header;

    [[nodiscard]] Bytes geneve() const { return {header.data(), header_length}; }
};

/// What insert() does with the header of an existing flow.
enum class OnExisting {
    replace, ///< the latest header of either direction: what appliances do
    keep     ///< the fault "stale-cookie": a reused tuple returns with the old header
};

/// Folded 64x64-bit multiplication of the key's words, as in wyhash.
struct FlowHash {
    std::uint64_t seed = 0;
    std::size_t operator()(const FlowKey &key) const {
        std::uint64_t hash = seed ^ 0x9e3779b97f4a7c15u;
        for (const auto word : std::bit_cast<std::array<std::uint64_t, sizeof(FlowKey) / 8>>(key)) {
            __extension__ using Wide = unsigned __int128;
            const Wide product = static_cast<Wide>(hash ^ word) * 0xd6e8feb86659fd93u;
            hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
        }
        return hash;
    }
};

/// Sharded; each shard has a lock and an LRU list. Thread-safe. Times are monotonic.
class FlowTable {
  public:
    /// At most `capacity` flows (rounded up to a multiple of the shards), which expire after `idle` without a
    /// packet. `seed` keys the hash against deliberate collisions.
    FlowTable(std::size_t capacity, Duration idle, std::uint64_t seed)
        : idle_(idle), hash_{seed}, shards_(std::make_unique<Shard[]>(shard_count)) {
        for (std::size_t i = 0; i < shard_count; ++i) {
            shards_[i].capacity = std::max<std::size_t>(1, (capacity + shard_count - 1) / shard_count);
            shards_[i].index = Index(0, FlowHash{seed});
        }
    }

    /// Stores `path` for `key`. A full shard evicts its least recently used flow.
    void insert(const FlowKey &key, const ReturnPath &path, OnExisting on_existing, TimePoint now) {
        auto &shard = shard_of(key);
        const std::lock_guard lock(shard.mutex);
        shard.expire(now - idle_, 2);
        const auto found = shard.index.find(key);
        if (found != shard.index.end()) {
            if (on_existing == OnExisting::replace)
                shard.slots[found->second].path = path;
            shard.touch(found->second, now);
            return;
        }
        shard.insert(key, path, now);
    }

    /// The path of `key`; nullopt: unknown or expired. A look-up counts as use.
    [[nodiscard]] std::optional<ReturnPath> find(const FlowKey &key, TimePoint now) {
        auto &shard = shard_of(key);
        const std::lock_guard lock(shard.mutex);
        const auto found = shard.index.find(key);
        if (found == shard.index.end() || shard.slots[found->second].used < now - idle_)
            return std::nullopt;
        shard.touch(found->second, now);
        return shard.slots[found->second].path;
    }

    /// Removes expired flows. Call this periodically, so that size() counts live flows only.
    void expire(TimePoint now) {
        for (std::size_t i = 0; i < shard_count; ++i) {
            const std::lock_guard lock(shards_[i].mutex);
            shards_[i].expire(now - idle_, shards_[i].index.size());
        }
    }

    [[nodiscard]] std::size_t size() const {
        std::size_t total = 0;
        for (std::size_t i = 0; i < shard_count; ++i) {
            const std::lock_guard lock(shards_[i].mutex);
            total += shards_[i].index.size();
        }
        return total;
    }

    static constexpr std::size_t shard_count = 64;

  private:
    static constexpr std::uint32_t none = ~0u;

    using Index = std::unordered_map<FlowKey, std::uint32_t, FlowHash>;

    struct Slot {
        FlowKey key;
        ReturnPath path;
        TimePoint used;
        std::uint32_t newer = none, older = none;
    };

    /// Slots form a list by index, newest first. Freed slots are reused.
    struct Shard {
        mutable std::mutex mutex;
        std::size_t capacity = 0;
        Index index;
        std::vector<Slot> slots;
        std::vector<std::uint32_t> free;
        std::uint32_t newest = none, oldest = none;

        void link(std::uint32_t at) {
            slots[at].newer = none;
            slots[at].older = newest;
            (newest == none ? oldest : slots[newest].newer) = at;
            newest = at;
        }
        void unlink(std::uint32_t at) {
            const auto [newer, older] = std::pair(slots[at].newer, slots[at].older);
            (newer == none ? newest : slots[newer].older) = older;
            (older == none ? oldest : slots[older].newer) = newer;
        }
        void touch(std::uint32_t at, TimePoint now) {
            slots[at].used = now;
            unlink(at);
            link(at);
        }
        void drop_oldest() {
            const auto at = oldest;
            unlink(at);
            index.erase(slots[at].key);
            free.push_back(at);
        }
        void expire(TimePoint before, std::size_t max_count) {
            for (; max_count > 0 && oldest != none && slots[oldest].used < before; --max_count)
                drop_oldest();
        }
        void insert(const FlowKey &key, const ReturnPath &path, TimePoint now) {
            if (index.size() >= capacity)
                drop_oldest();
            if (free.empty()) {
                free.push_back(static_cast<std::uint32_t>(slots.size()));
                slots.emplace_back();
            }
            const auto at = free.back();
            free.pop_back();
            slots[at].key = key;
            slots[at].path = path;
            slots[at].used = now;
            index.emplace(key, at);
            link(at);
        }
    };

    [[nodiscard]] Shard &shard_of(const FlowKey &key) {
        // The upper bits select the shard, the lower bits the bucket in it.
        return shards_[hash_(key) >> 32 & (shard_count - 1)];
    }

    Duration idle_;
    FlowHash hash_;
    std::unique_ptr<Shard[]> shards_;
};

} // namespace glb::appliance
