#include "controller/datapath/target_counts.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <bpf/libbpf.h>
#include <sys/mman.h>

namespace glb::datapath {

namespace {

unsigned possible_cpus() {
    return static_cast<unsigned>(std::max(1, libbpf_num_possible_cpus()));
}

std::uint64_t load(const __u64 &word) {
    return __atomic_load_n(&word, __ATOMIC_RELAXED);
}

} // namespace

std::uint32_t TargetCounts::rows() {
    return possible_cpus() * GLB_MAX_TARGETS;
}

Result<TargetCounts> TargetCounts::map(int fd) {
    TargetCounts counts;
    counts.cpus_ = possible_cpus();
    counts.bytes_ = std::size_t{rows()} * sizeof(glb_target_count);
    void *memory = ::mmap(nullptr, counts.bytes_, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return fail_errno(errno, "cannot map glb_target_counts");
    counts.rows_ = static_cast<const glb_target_count *>(memory);
    return counts;
}

TargetCounts::TargetCounts(TargetCounts &&other) noexcept {
    *this = std::move(other);
}

TargetCounts &TargetCounts::operator=(TargetCounts &&other) noexcept {
    std::swap(rows_, other.rows_);
    std::swap(bytes_, other.bytes_);
    std::swap(cpus_, other.cpus_);
    return *this;
}

TargetCounts::~TargetCounts() {
    if (rows_)
        ::munmap(const_cast<glb_target_count *>(rows_), bytes_);
}

glb_target_count TargetCounts::sum(std::uint32_t target) const {
    glb_target_count sum{};
    for (unsigned cpu = 0; rows_ && cpu < cpus_; ++cpu) {
        const auto &row = rows_[std::size_t{cpu} * GLB_MAX_TARGETS + target];
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
