// Tags of a VLAN pushed by a host, in a kernel that has no VLAN device.
#pragma once

#include <cstdint>
#include <string>

#include "tests/harness/netns.h"

struct world_tagger;

namespace glb::test {

/// From now on IP packets leave `dev` with tag `vlan`, except those from IPv4 address `untagged` (if any).
/// What comes in is taken without a tag. The filter goes with the interface.
class Tagger {
  public:
    Tagger(const Namespace &ns, const std::string &dev, std::uint16_t vlan, const std::string &untagged = {});
    ~Tagger();
    Tagger(const Tagger &) = delete;
    Tagger &operator=(const Tagger &) = delete;

  private:
    world_tagger *skeleton_ = nullptr;
};

} // namespace glb::test
