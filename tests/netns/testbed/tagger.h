// VLAN tags pushed by a host and removed by the node, on kernels without VLAN devices.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/harness/netns.h"

struct testbed_tagger;

namespace glb::test {

/// IP packets leave `dev` with tag `vlan`; those from the IPv4 addresses in `others` (at most four) with the
/// tag given there, or untagged for 0. Ingress is untagged. The filter exists for as long as the interface.
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

/// Replaces VLAN devices on `dev`: after all other ingress filters every tag is removed, so that the stack
/// receives the packet as it would from such a device.
void remove_tags(const Namespace &ns, const std::string &dev);

} // namespace glb::test
