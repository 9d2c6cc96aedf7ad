// The ring buffer of events in memory: the test program defines libbpf's ring_buffer__*().
#pragma once

#include <cstddef>
#include <vector>

#include "tests/unit/datapath/fake_maps.h"

namespace glb::test {

/// Queues a sample in a map of type BPF_MAP_TYPE_RINGBUF; the next ring_buffer__consume() of it takes it out.
template <typename Sample>
void put_sample(FakeMap &ring, const Sample &sample) {
    const auto *bytes = reinterpret_cast<const std::byte *>(&sample);
    ring.samples.push_back({bytes, bytes + sizeof sample});
}

/// Rings that ring_buffer__new() made and ring_buffer__free() did not free.
[[nodiscard]] unsigned &open_rings();

} // namespace glb::test
