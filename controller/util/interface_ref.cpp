#include "controller/util/interface_ref.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <net/if.h>

namespace glb {

std::string to_string(const InterfaceRef &interface) {
    if (interface.vlans.empty())
        return interface.name;
    return fmt::format("{} vlan {}", interface.name, fmt::join(interface.vlans, "."));
}

std::string interface_name(unsigned ifindex) {
    char name[IF_NAMESIZE] = {};
    return ::if_indextoname(ifindex, name) ? name : fmt::format("interface {}", ifindex);
}

} // namespace glb
