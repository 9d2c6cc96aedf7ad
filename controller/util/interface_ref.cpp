#include "controller/util/interface_ref.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace glb {

std::string to_string(const InterfaceRef &interface) {
    if (interface.vlans.empty())
        return interface.name;
    return fmt::format("{} vlan {}", interface.name, fmt::join(interface.vlans, "."));
}

} // namespace glb
