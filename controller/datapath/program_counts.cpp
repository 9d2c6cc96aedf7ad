// Program: counters and events, read when asked.
#include <cerrno>

#include "controller/datapath/map_io.h"
#include "controller/datapath/program_state.h"

namespace glb::datapath {

namespace {

void add(glb_count &sum, const glb_count &part) {
    sum.packets += part.packets;
    sum.bytes += part.bytes;
}

Result<std::vector<glb_count>> sum_counts(int fd, std::uint32_t rows, const char *what) {
    std::vector<glb_count> sums(rows);
    for (std::uint32_t row = 0; row < rows; ++row) {
        GLB_ASSIGN(const auto each, read_per_cpu<glb_count>(fd, row, what));
        for (const auto &count : each)
            add(sums[row], count);
    }
    return sums;
}

int take_event(void *context, void *data, std::size_t size) {
    const auto *take = *static_cast<const std::function<void(const glb_event &)> **>(context);
    if (size >= sizeof(glb_event) && take)
        (*take)(*static_cast<const glb_event *>(data));
    return 0;
}

} // namespace

Result<std::vector<glb_count>> Program::drops() const {
    return sum_counts(map_fd("glb_drops"), GLB_DROP_MAX, "glb_drops");
}

Result<std::vector<glb_count>> Program::counters() const {
    return sum_counts(map_fd("glb_counters"), GLB_COUNT_MAX, "glb_counters");
}

Result<glb_endpoint_count> Program::endpoint_count(std::uint32_t endpoint) const {
    GLB_ASSIGN(const auto each, read_per_cpu<glb_endpoint_count>(map_fd("glb_endpoint_counts"), endpoint,
                                                                 "glb_endpoint_counts"));
    glb_endpoint_count sum{};
    for (const auto &count : each) {
        add(sum.in, count.in);
        add(sum.forwarded, count.forwarded);
    }
    return sum;
}

Result<glb_target_count> Program::target_count(std::uint32_t target) const {
    if (target >= GLB_MAX_TARGETS)
        return fail("there is no target {}", target);
    return state_->target_counts.sum(target);
}

const TargetCounts &Program::target_counts() const {
    return state_->target_counts;
}

const EndpointTargetSeen &Program::pairs() const {
    return state_->pairs;
}

Status Program::forget_endpoint(std::uint32_t endpoint) {
    if (endpoint >= GLB_MAX_ENDPOINTS)
        return fail("there is no endpoint {}", endpoint);
    state_->pairs.forget_endpoint(endpoint);
    GLB_TRY(set_endpoint_override(endpoint, 0));
    return clear_per_cpu<glb_endpoint_count>(map_fd("glb_endpoint_counts"), endpoint, "glb_endpoint_counts");
}

Status Program::forget_target(std::uint32_t target) {
    if (target >= GLB_MAX_TARGETS)
        return fail("there is no target {}", target);
    state_->pairs.forget_target(target);
    const glb_target_count zero{};
    for (unsigned cpu = 0; cpu < state_->target_counts.cpus(); ++cpu)
        GLB_TRY(update_row(map_fd("glb_target_counts"), cpu * GLB_MAX_TARGETS + target, &zero,
                           "glb_target_counts"));
    return {};
}

int Program::event_fd() const {
    return map_fd("glb_events");
}

Status Program::drain_events(const std::function<void(const glb_event &)> &take) {
    if (!state_->events)
        state_->events.reset(ring_buffer__new(map_fd("glb_events"), take_event, &state_->take, nullptr));
    if (!state_->events)
        return fail_errno(errno, "cannot map the ring buffer of events");
    state_->take = &take;
    const int code = ring_buffer__consume(state_->events.get());
    state_->take = nullptr;
    if (code < 0)
        return fail_errno(-code, "cannot read events");
    return {};
}

} // namespace glb::datapath
