#include "tests/unit/datapath/fake_ring.h"

#include <cerrno>
#include <utility>

#include <bpf/libbpf.h>

struct ring_buffer {
    glb::Fd fd;
    ring_buffer_sample_fn on_sample = nullptr;
    void *context = nullptr;
};

namespace glb::test {

unsigned &open_rings() {
    static unsigned count = 0;
    return count;
}

} // namespace glb::test

using namespace glb::test;

extern "C" {

struct ring_buffer *ring_buffer__new(int fd, ring_buffer_sample_fn on_sample, void *context,
                                     const struct ring_buffer_opts *) {
    const auto *map = find_fake<FakeMap>(fd);
    if (!map || map->shape().type != BPF_MAP_TYPE_RINGBUF) {
        errno = map ? EINVAL : EBADF;
        return nullptr;
    }
    ++open_rings();
    return new ring_buffer{map->duplicate(), on_sample, context};
}

int ring_buffer__consume(struct ring_buffer *ring) {
    auto *map = find_fake<FakeMap>(ring->fd.get());
    if (!map || map->read_error != 0)
        return map ? -map->read_error : -EBADF;
    auto samples = std::exchange(map->samples, {});
    for (auto &sample : samples)
        ring->on_sample(ring->context, sample.data(), sample.size());
    return static_cast<int>(samples.size());
}

void ring_buffer__free(struct ring_buffer *ring) {
    if (ring)
        --open_rings();
    delete ring;
}

} // extern "C"
