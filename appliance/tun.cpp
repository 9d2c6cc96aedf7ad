#include "appliance/tun.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

namespace glb::appliance {
namespace {

Result<Fd> open_queue(const std::string &name) {
    Fd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fd)
        return fail_errno(errno,
                          "cannot open /dev/net/tun (module not loaded, or not available in this container)");
    ifreq request{};
    std::memcpy(request.ifr_name, name.c_str(), name.size());
    request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE;
    if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
        if (errno == EINVAL || errno == EBUSY || errno == EEXIST)
            return fail_errno(errno, "{} exists and is in use; remove it: ip link delete {}", name, name);
        return fail_errno(errno, "cannot create TUN device {}", name);
    }
    // A persistent device would outlive this process.
    if (::ioctl(fd.get(), TUNSETPERSIST, 0) != 0)
        return fail_errno(errno, "cannot reuse TUN device {}", name);
    return fd;
}

} // namespace

Result<TunDevice> TunDevice::open(const std::string &name, unsigned queues) {
    if (name.empty() || name.size() >= IFNAMSIZ)
        return fail("\"{}\": a device name must have 1 to {} characters", name, IFNAMSIZ - 1);
    std::vector<Fd> opened;
    for (unsigned i = 0; i < queues; ++i) {
        GLB_ASSIGN(auto queue, open_queue(name));
        opened.push_back(std::move(queue));
    }
    const auto ifindex = ::if_nametoindex(name.c_str());
    if (ifindex == 0)
        return fail_errno(errno, "TUN device {} disappeared", name);
    return TunDevice(std::move(opened), ifindex);
}

} // namespace glb::appliance
