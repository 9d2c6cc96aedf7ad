#include "controller/datapath/target_counts.h"

#include <algorithm>

#include <bpf/libbpf.h>

namespace glb::datapath {

namespace {

std::uint64_t load(const __u64 &word) {
    return __atomic_load_n(&word, __ATOMIC_RELAXED);
}

} // namespace

std::uint32_t TargetCounts::rows() {
    return static_cast<std::uint32_t>(std::max(1, libbpf_num_possible_cpus())) * GLB_MAX_TARGETS;
}

Result<TargetCounts> TargetCounts::map(int fd) {
    TargetCounts counts;
    GLB_ASSIGN(counts.rows_, Mapped<const glb_target_count>::map(fd, rows(), "glb_target_counts"));
    return counts;
}

unsigned TargetCounts::cpus() const {
    return static_cast<unsigned>(rows_.size() / GLB_MAX_TARGETS);
}

glb_target_count TargetCounts::sum(std::uint32_t target) const {
    glb_target_count sum{};
    for (std::size_t at = target; at < rows_.size(); at += GLB_MAX_TARGETS) {
        const auto &row = rows_[at];
        sum.outbound.packets += load(row.outbound.packets);
        sum.outbound.bytes += load(row.outbound.bytes);
        sum.returned.packets += load(row.returned.packets);
        sum.returned.bytes += load(row.returned.bytes);
        sum.new_flows += load(row.new_flows);
        sum.unanswered += load(row.unanswered);
        sum.answered += load(row.answered);
        sum.attempted += load(row.attempted);
        sum.confirmed += load(row.confirmed);
    }
    return sum;
}

} // namespace glb::datapath
