// Netlink sockets of the library in a test namespace, with their results unwrapped.
#pragma once

#include <stdexcept>

#include "controller/network/snapshot.h"
#include "lib/netlink/netlink.h"
#include "tests/harness/must.h"
#include "tests/harness/netns.h"

namespace glb::test {

/// A netlink socket belongs to the namespace in which it was opened.
inline Netlink netlink_in(const Namespace &ns) {
    return ns.call([] { return must(Netlink::open()); });
}

inline network::Snapshot snapshot_of(Netlink &netlink) {
    return must(network::read_snapshot(netlink));
}

inline IpAddress ip(const char *text) {
    const auto address = IpAddress::parse(text);
    if (!address)
        throw std::runtime_error(text);
    return *address;
}

} // namespace glb::test
