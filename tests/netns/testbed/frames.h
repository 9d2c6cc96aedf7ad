// Frames by the thousand, as fast as a veth takes them without loss.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/bytes.h"
#include "tests/harness/layers.h"
#include "tests/harness/netns.h"

namespace glb::test {

[[nodiscard]] Mac mac_of(const Namespace &ns, const std::string &dev);

/// Sends `frames` out of `dev`, 64 at a time with a breath between, since a veth's ring holds 256.
/// Throws std::runtime_error.
void send_frames(const Namespace &ns, const std::string &dev, const std::vector<Bytes> &frames);

} // namespace glb::test
