#include "controller/datapath/endpoint_target_seen.h"

#include <cerrno>
#include <cstddef>
#include <utility>

#include <sys/mman.h>

namespace glb::datapath {

namespace {

constexpr std::size_t bytes = std::size_t{GLB_SEEN_WORDS} * sizeof(std::uint64_t);

std::size_t row_of(std::uint32_t endpoint, std::uint32_t target) {
    return std::size_t{endpoint} * GLB_SEEN_ROW_WORDS + target / 64;
}

} // namespace

Result<EndpointTargetSeen> EndpointTargetSeen::map(int fd) {
    void *memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return fail_errno(errno, "cannot map glb_endpoint_target_seen");
    EndpointTargetSeen pairs;
    pairs.rows_ = static_cast<std::uint64_t *>(memory);
    return pairs;
}

EndpointTargetSeen::EndpointTargetSeen(EndpointTargetSeen &&other) noexcept
    : rows_(std::exchange(other.rows_, nullptr)) {}

EndpointTargetSeen &EndpointTargetSeen::operator=(EndpointTargetSeen &&other) noexcept {
    std::swap(rows_, other.rows_);
    return *this;
}

EndpointTargetSeen::~EndpointTargetSeen() {
    if (rows_)
        ::munmap(rows_, bytes);
}

bool EndpointTargetSeen::was_seen(std::uint32_t endpoint, std::uint32_t target) const {
    return rows_ && (__atomic_load_n(&rows_[row_of(endpoint, target)], __ATOMIC_RELAXED) >> target % 64 & 1);
}

bool EndpointTargetSeen::was_seen(std::uint32_t endpoint) const {
    return rows_ && __atomic_load_n(&rows_[GLB_SEEN_ANY + endpoint], __ATOMIC_RELAXED);
}

void EndpointTargetSeen::forget_target(std::uint32_t target) {
    for (std::uint32_t endpoint = 0; rows_ && endpoint < GLB_MAX_ENDPOINTS; ++endpoint)
        if (was_seen(endpoint, target))
            __atomic_fetch_and(&rows_[row_of(endpoint, target)], ~(std::uint64_t{1} << target % 64),
                               __ATOMIC_RELAXED);
}

void EndpointTargetSeen::forget_endpoint(std::uint32_t endpoint) {
    if (!rows_)
        return;
    for (std::uint32_t word = 0; word < GLB_SEEN_ROW_WORDS; ++word)
        __atomic_store_n(&rows_[std::size_t{endpoint} * GLB_SEEN_ROW_WORDS + word], 0, __ATOMIC_RELAXED);
    __atomic_store_n(&rows_[GLB_SEEN_ANY + endpoint], 0, __ATOMIC_RELAXED);
}

} // namespace glb::datapath
