#include "controller/guard/punt_devices.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "controller/util/fd.h"

namespace glb::guard {
namespace {

class InterfaceQuery {
  public:
    [[nodiscard]] bool is_open() const { return static_cast<bool>(socket_); }
    /// False if there is no such interface.
    bool operator()(unsigned long request, const std::string &name, ifreq &row) const {
        row = {};
        if (name.size() >= sizeof row.ifr_name)
            return false;
        std::memcpy(row.ifr_name, name.data(), name.size());
        return ::ioctl(socket_.get(), request, &row) == 0;
    }

  private:
    Fd socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

/// nullopt if the device does not exist or is down.
std::optional<PuntDevice> find_device(const InterfaceQuery &query, const std::string &name) {
    PuntDevice device;
    ifreq row;
    if (!query(SIOCGIFFLAGS, name, row) || !(row.ifr_flags & IFF_UP))
        return std::nullopt;
    if (!query(SIOCGIFINDEX, name, row))
        return std::nullopt;
    device.ifindex = static_cast<unsigned>(row.ifr_ifindex);
    if (!query(SIOCGIFHWADDR, name, row))
        return std::nullopt;
    std::memcpy(device.mac.bytes.data(), row.ifr_hwaddr.sa_data, device.mac.bytes.size());
    return device;
}

} // namespace

Result<std::map<std::uint16_t, PuntDevice>> find_punt_devices(const plan::GuardPlan &plan) {
    const InterfaceQuery query;
    if (!query.is_open())
        return fail_errno(errno, "cannot open a socket to find the punt devices");
    std::map<std::uint16_t, PuntDevice> found;
    for (const auto &port : plan.ports) {
        if (!port.endpoint)
            continue;
        auto &device = found[*port.endpoint];
        device.mark = plan::endpoint_mark(plan.mark_mask, *port.endpoint);
        if (device.ifindex)
            continue;
        const auto usable = find_device(query, port.punt_device());
        if (!usable)
            continue;
        device.ifindex = usable->ifindex;
        device.mac = usable->mac;
        device.is_filtered = std::ranges::any_of(
            plan.ports, [&](const auto &other) { return other.interface == port.punt_device(); });
    }
    return found;
}

} // namespace glb::guard
