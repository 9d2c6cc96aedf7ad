#include "bench/fill.h"

#include <arpa/inet.h>

#include "bench/shape_abi.h"

namespace glb::bench {

std::uint64_t tag_of_flow(std::uint32_t index) {
    return bench_tag_of(htonl(0x0a000000u + index));
}

Filled fill(const Shape &shape, std::uint32_t entries, std::uint32_t flows) {
    const std::uint32_t bucket_mask = entries / shape.ways - 1;
    std::vector<bool> used(entries);
    Filled filled;
    filled.slots.assign(flows, no_slot);
    std::uint64_t lines = 0, first = 0;
    for (std::uint32_t flow = 0; flow < flows; ++flow) {
        const auto tag = tag_of_flow(flow);
        const auto begin = shape.home ? bench_home_way(tag, shape.ways) : 0;
        for (std::uint32_t i = 0; i < shape.buckets * shape.ways; ++i) {
            const auto bucket = bench_bucket(tag, i >= shape.ways, bucket_mask);
            const std::uint32_t slot = bucket * shape.ways + ((begin + i) & (shape.ways - 1));
            if (used[slot])
                continue;
            used[slot] = true;
            filled.slots[flow] = slot;
            lines += i + 1;
            first += i == 0;
            break;
        }
        filled.lost += filled.slots[flow] == no_slot;
    }
    const auto placed = static_cast<double>(flows - filled.lost);
    filled.lines = static_cast<double>(lines) / placed;
    filled.first = static_cast<double>(first) / placed;
    return filled;
}

} // namespace glb::bench
