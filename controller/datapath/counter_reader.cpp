#include "controller/datapath/counter_reader.h"

#include "controller/datapath/map_io.h"

namespace glb::datapath {

namespace {

void add(glb_count &sum, const glb_count &part) {
    sum.packets += part.packets;
    sum.bytes += part.bytes;
}

Result<std::vector<glb_count>> sum_counts(MapRef map, std::uint32_t rows) {
    std::vector<glb_count> sums(rows);
    for (std::uint32_t row = 0; row < rows; ++row) {
        GLB_ASSIGN(const auto each, read_per_cpu<glb_count>(map, row));
        for (const auto &count : each)
            add(sums[row], count);
    }
    return sums;
}

} // namespace

Result<std::vector<glb_count>> CounterReader::drops() const {
    return sum_counts(map_ref(*handles_, Map::drops), GLB_DROP_MAX);
}

Result<std::vector<glb_count>> CounterReader::counters() const {
    return sum_counts(map_ref(*handles_, Map::counters), GLB_COUNT_MAX);
}

Result<glb_endpoint_count> CounterReader::endpoint_count(std::uint32_t endpoint) const {
    GLB_ASSIGN(const auto each,
               read_per_cpu<glb_endpoint_count>(map_ref(*handles_, Map::endpoint_counts), endpoint));
    glb_endpoint_count sum{};
    for (const auto &count : each) {
        add(sum.in, count.in);
        add(sum.forwarded, count.forwarded);
    }
    return sum;
}

Result<glb_target_count> CounterReader::target_count(std::uint32_t target) const {
    if (target >= GLB_MAX_TARGETS)
        return fail("target index {} is not below {}", target, GLB_MAX_TARGETS);
    return handles_->target_counts().sum(target);
}

Result<glb_control> CounterReader::control() const {
    return read_row<glb_control>(map_ref(*handles_, Map::control), 0);
}

} // namespace glb::datapath
