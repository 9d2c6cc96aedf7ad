// Tags of a VLAN pushed by a host and taken off by the node, in a kernel that has no VLAN device.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/harness/netns.h"

struct testbed_tagger;

namespace glb::test {

/// From now on IP packets leave `dev` with tag `vlan`, and those from the IPv4 addresses in `others` (four at
/// most) with that tag instead, 0 for none. What comes in is taken without a tag. The filter goes with the
/// interface.
class Tagger {
  public:
    Tagger(const Namespace &ns, const std::string &dev, std::uint16_t vlan,
           const std::map<std::string, std::uint16_t> &others = {});
    ~Tagger();
    Tagger(const Tagger &) = delete;
    Tagger &operator=(const Tagger &) = delete;

  private:
    testbed_tagger *skeleton_ = nullptr;
};

/// A stand-in for VLAN devices on `dev`: behind all other filters at ingress every tag is taken off, so that
/// the stack takes the packet as it would take one from such a device.
void take_tags_off(const Namespace &ns, const std::string &dev);

} // namespace glb::test
