// Thousands of frames at the highest rate that a veth accepts without loss.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/bytes.h"
#include "tests/harness/layers.h"
#include "tests/harness/netns.h"

namespace glb::test {

[[nodiscard]] Mac mac_of(const Namespace &ns, const std::string &dev);

/// Sends `frames` on `dev` in batches of 64 with a pause after each, since a veth's ring holds 256 frames.
/// Throws std::runtime_error.
void send_frames(const Namespace &ns, const std::string &dev, const std::vector<Bytes> &frames);

} // namespace glb::test
