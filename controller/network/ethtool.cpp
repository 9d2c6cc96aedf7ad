#include "controller/network/ethtool.h"

#include <cerrno>
#include <cstring>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "controller/util/fd.h"

namespace glb::network {

namespace {

Result<std::uint32_t> ethtool_ioctl(const std::string &interface, std::uint32_t command,
                                    std::uint32_t value) {
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket)
        return fail_errno(errno, "cannot open a socket");
    ethtool_value request{command, value};
    ifreq row{};
    if (interface.size() >= sizeof row.ifr_name)
        return fail_errno(ENODEV, "interface {} does not exist", interface);
    std::memcpy(row.ifr_name, interface.data(), interface.size());
    row.ifr_data = reinterpret_cast<char *>(&request);
    if (::ioctl(socket.get(), SIOCETHTOOL, &row) != 0)
        return fail_errno(errno, "cannot read or change the offloads of {}", interface);
    return request.data;
}

std::uint32_t flag_of(OffloadFeature feature) {
    return feature == OffloadFeature::rx_vlan ? ETH_FLAG_RXVLAN : ETH_FLAG_LRO;
}

} // namespace

std::string_view to_string(OffloadFeature feature) {
    switch (feature) {
    case OffloadFeature::rx_vlan:
        return "rxvlan";
    case OffloadFeature::lro:
        return "lro";
    case OffloadFeature::gro:
        return "gro";
    }
    return "";
}

Result<bool> get_offload(const std::string &interface, OffloadFeature feature) {
    if (feature == OffloadFeature::gro) {
        GLB_ASSIGN(const auto on, ethtool_ioctl(interface, ETHTOOL_GGRO, 0));
        return on != 0;
    }
    GLB_ASSIGN(const auto flags, ethtool_ioctl(interface, ETHTOOL_GFLAGS, 0));
    return (flags & flag_of(feature)) != 0;
}

Status set_offload(const std::string &interface, OffloadFeature feature, bool on) {
    if (feature == OffloadFeature::gro) {
        GLB_TRY(ethtool_ioctl(interface, ETHTOOL_SGRO, on));
        return {};
    }
    GLB_ASSIGN(const auto flags, ethtool_ioctl(interface, ETHTOOL_GFLAGS, 0));
    const auto flag = flag_of(feature);
    GLB_TRY(ethtool_ioctl(interface, ETHTOOL_SFLAGS, on ? flags | flag : flags & ~flag));
    return {};
}

} // namespace glb::network
