#include "tests/netns/testbed/appliance.h"

#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

namespace glb::test {

Appliance::Appliance(unsigned number)
    : id_(fmt::format("fw-{}", number)), address_(fmt::format("10.1.0.{}", 10 + number)), ns_("e2e-" + id_) {}

void Appliance::start(ApplianceKind kind, const std::string &node_address) {
    ns_.sysctl("net/ipv4/ip_forward", "1");
    ns_.sysctl("net/ipv4/conf/all/send_redirects", "0");
    ns_.sysctl("net/ipv4/conf/eth0/send_redirects", "0");
    ns_.must({"ip", "route", "add", "default", "via", node_address});
    if (kind == ApplianceKind::hairpin) {
        ns_.must({"nft", fmt::format("table ip hairpin {{\n"
                                     "  chain reflect {{ type nat hook prerouting priority dstnat;"
                                     " udp dport 6081 dnat to {0};}}\n"
                                     "  chain source {{ type nat hook postrouting priority srcnat;"
                                     " ip daddr {0} udp dport 6081 masquerade;}}\n"
                                     "}}",
                                     node_address)});
        health_.emplace(ns_, std::uint16_t{80}, Reply::http_ok);
    } else {
        ns_.sysctl("net/ipv6/conf/all/forwarding", "1");
        program_.emplace(ns_.start(
            {std::filesystem::path(GLB_BIN_FOLDER) / "glb-appliance", "--listen", address_ + ":6081"}));
    }
}

void Appliance::disconnect() const {
    ns_.must({"ip", "link", "set", "eth0", "down"});
}

void Appliance::reconnect() const {
    ns_.must({"ip", "link", "set", "eth0", "up"});
}

} // namespace glb::test
