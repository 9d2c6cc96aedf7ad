#include "controller/datapath/endpoint_target_seen.h"

#include <cstddef>

namespace glb::datapath {

namespace {

std::size_t word_of(std::uint32_t endpoint, std::uint32_t target) {
    return std::size_t{endpoint} * GLB_SEEN_ROW_WORDS + target / 64;
}

} // namespace

Result<EndpointTargetSeen> EndpointTargetSeen::map(int fd) {
    EndpointTargetSeen seen;
    GLB_ASSIGN(seen.words_, Mapped<std::uint64_t>::map(fd, GLB_SEEN_WORDS, "glb_endpoint_target_seen"));
    return seen;
}

bool EndpointTargetSeen::was_seen(std::uint32_t endpoint, std::uint32_t target) const {
    return __atomic_load_n(&words_[word_of(endpoint, target)], __ATOMIC_RELAXED) >> target % 64 & 1;
}

bool EndpointTargetSeen::was_seen(std::uint32_t endpoint) const {
    return __atomic_load_n(&words_[GLB_SEEN_ANY + endpoint], __ATOMIC_RELAXED) != 0;
}

void EndpointTargetSeen::clear_target(std::uint32_t target) const {
    for (std::uint32_t endpoint = 0; endpoint < GLB_MAX_ENDPOINTS; ++endpoint)
        if (was_seen(endpoint, target))
            __atomic_fetch_and(&words_[word_of(endpoint, target)], ~(std::uint64_t{1} << target % 64),
                               __ATOMIC_RELAXED);
}

void EndpointTargetSeen::clear_endpoint(std::uint32_t endpoint) const {
    for (std::uint32_t word = 0; word < GLB_SEEN_ROW_WORDS; ++word)
        __atomic_store_n(&words_[word_of(endpoint, 0) + word], 0, __ATOMIC_RELAXED);
    __atomic_store_n(&words_[GLB_SEEN_ANY + endpoint], 0, __ATOMIC_RELAXED);
}

} // namespace glb::datapath
