#include "controller/control/host_checks.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "controller/config/enum_strings.h"
#include "controller/config/formats.h"
#include "controller/config/json_document.h"
#include "controller/config/suggestions.h"
#include "controller/network/topology.h"
#include "controller/util/descriptor_limit.h"
#include "controller/util/files.h"

namespace glb::control {

namespace {

class HostChecker {
  public:
    HostChecker(const config::Manifest &manifest, const network::Snapshot &snapshot)
        : manifest_(manifest), snapshot_(snapshot) {}

    void check_tunnel();
    void check_endpoints();
    void check_targets();
    void check_ca_files();

    HostFindings take() && { return std::move(findings_); }

  private:
    const network::Link *check_interface(const InterfaceRef &interface, const std::string &pointer);
    [[nodiscard]] bool refuse_bond(const network::Link &link, const std::string &pointer);
    void refuse_without_driver(const network::Link &link, const std::string &pointer);
    void check_mtu(const InterfaceRef &interface, const std::string &pointer);

    template <typename... Args>
    void refuse(const std::string &pointer, fmt::format_string<Args...> message, Args &&...args) {
        findings_.errors.push_back({pointer, fmt::format(message, std::forward<Args>(args)...)});
    }
    void warn(Severity severity, std::string what, std::string pointer, std::string message,
              std::string fix = {}) {
        findings_.warnings.push_back(
            {severity, std::move(what), std::move(pointer), std::move(message), std::move(fix)});
    }

    const config::Manifest &manifest_;
    const network::Snapshot &snapshot_;
    HostFindings findings_;
};

/// Null if the interface cannot be used at all.
const network::Link *HostChecker::check_interface(const InterfaceRef &interface, const std::string &pointer) {
    const auto *link = snapshot_.link(interface.name);
    if (link == nullptr) {
        std::vector<std::string_view> names;
        for (const auto &there : snapshot_.links)
            if (there.name != "lo")
                names.push_back(there.name);
        refuse(pointer, "there is no interface \"{}\" on this machine{}", interface.name,
               config::suggest_or_list(interface.name, names));
    } else if (link->name == "lo") {
        refuse(pointer,
               "the loopback interface carries no forwarded traffic; name the interface on which it arrives");
        return nullptr;
    } else {
        if (!refuse_bond(*link, pointer))
            refuse_without_driver(*link, pointer);
        if (!link->up)
            warn(Severity::error, "interface-down", pointer, fmt::format("{} is down", link->name),
                 fmt::format("ip link set {} up", link->name));
    }
    return link;
}

/// Packets of a bond arrive on its members, where the program would have to know the bond, and leave by the one
/// that the bond chooses. True if `link` is a bond, a member of one, or on top of one.
bool HostChecker::refuse_bond(const network::Link &link, const std::string &pointer) {
    const auto *bond = network::bond_of(snapshot_, link.index);
    if (bond == nullptr)
        return false;
    std::string members;
    const network::Link *member = nullptr;
    for (const auto &other : snapshot_.links)
        if (other.master == bond->index) {
            members += (members.empty() ? "" : ", ") + other.name;
            if (member == nullptr || other.index == link.index)
                member = &other;
        }
    const auto what = bond->index == link.index ? fmt::format("is a {}", bond->kind)
                      : link.master == bond->index
                          ? fmt::format("is a member of {}, a {}", bond->name, bond->kind)
                          : fmt::format("is on {}, a {}", bond->name, bond->kind);
    const auto fix = member != nullptr
                         ? fmt::format("take a member ({}) out of it and use that: ip link set {} nomaster",
                                       members, member->name)
                         : std::string("use an interface of its own");
    refuse(pointer, "{} {}, which is not supported; {}", link.name, what, fix);
    warn(Severity::error, "bond", pointer, fmt::format("{} {}, which is not supported", link.name, what),
         fix);
    return true;
}

void HostChecker::refuse_without_driver(const network::Link &link, const std::string &pointer) {
    constexpr std::array<std::string_view, 4> stacked = {"vlan", "bridge", "macvlan", "ipvlan"};
    if (manifest_.node.xdp_mode != config::XdpMode::native ||
        std::find(stacked.begin(), stacked.end(), link.kind) == stacked.end())
        return;
    const auto port = network::resolve_port(snapshot_, link.index);
    const auto *below = port ? snapshot_.link(port->ifindex) : nullptr;
    const auto instead = below != nullptr ? fmt::format("use the underlying interface: {}",
                                                        to_string(InterfaceRef{below->name, port->vlans}))
                                          : std::string("use its underlying interfaces");
    refuse(pointer,
           "{} is a {} device, which cannot run XDP natively; {}, or set node.xdpMode to \"generic\"",
           link.name, link.kind, instead);
}

void HostChecker::check_tunnel() {
    const auto &tunnel = manifest_.node.tunnel;
    const auto *link = check_interface(tunnel.interface, "/node/tunnel/interface");
    const auto check_address = [&](const IpAddress &address, const std::string &pointer) {
        const auto found =
            std::find_if(snapshot_.addresses.begin(), snapshot_.addresses.end(),
                         [&](const network::LinkAddress &there) { return there.address == address; });
        if (found == snapshot_.addresses.end())
            return warn(Severity::error, "tunnel-address-missing", pointer,
                        fmt::format("{} is not an address of this machine; the node is not ready until it is",
                                    address.to_string()));
        const auto own = link != nullptr
                             ? network::local_addresses(snapshot_, link->index, tunnel.interface.vlans)
                             : std::vector<IpAddress>{address};
        const auto *holder = snapshot_.link(found->ifindex);
        if (std::find(own.begin(), own.end(), address) == own.end())
            warn(Severity::warning, "tunnel-address-elsewhere", pointer,
                 fmt::format("{} is on {}, not on the tunnel interface {}", address.to_string(),
                             holder != nullptr ? holder->name : "another interface",
                             to_string(tunnel.interface)));
    };
    check_address(tunnel.address, "/node/tunnel/address");
    if (tunnel.address6)
        check_address(*tunnel.address6, "/node/tunnel/address6");
}

void HostChecker::check_mtu(const InterfaceRef &interface, const std::string &pointer) {
    const auto needed = network::mtu_of(snapshot_, interface) + config::tunnel_overhead;
    const auto tunnel = network::mtu_of(snapshot_, manifest_.node.tunnel.interface);
    if (tunnel == 0 || tunnel >= needed)
        return;
    const auto &name = manifest_.node.tunnel.interface.name;
    const auto fix =
        name == interface.name
            ? fmt::format(
                  "lower the MTU of the hosts and routers on this link to {}, or use another interface "
                  "for the tunnel",
                  tunnel - std::min(tunnel, config::tunnel_overhead))
            : fmt::format("ip link set {} mtu {}", name, needed);
    warn(Severity::warning, "tunnel-mtu", pointer,
         fmt::format(
             "the tunnel's MTU, {} on {}, is below this interface's {} + {}: its longest packets will be "
             "dropped (too_big)",
             tunnel, to_string(manifest_.node.tunnel.interface), needed - config::tunnel_overhead,
             config::tunnel_overhead),
         fix);
}

void HostChecker::check_endpoints() {
    for (std::size_t i = 0; i < manifest_.endpoints.size(); ++i) {
        const auto &interfaces = manifest_.endpoints[i].interfaces;
        for (std::size_t j = 0; j < interfaces.size(); ++j) {
            const auto pointer = config::pointer_to(config::pointer_to("/endpoints", i) + "/interfaces", j);
            if (check_interface(interfaces[j], pointer) != nullptr)
                check_mtu(interfaces[j], pointer);
        }
    }
}

void HostChecker::check_targets() {
    for (std::size_t i = 0; i < manifest_.target_groups.size(); ++i) {
        const auto &targets = manifest_.target_groups[i].targets;
        for (std::size_t j = 0; j < targets.size(); ++j)
            if (std::any_of(
                    snapshot_.addresses.begin(), snapshot_.addresses.end(),
                    [&](const network::LinkAddress &own) { return own.address == targets[j].address; }))
                warn(Severity::error, "target-is-local",
                     config::pointer_to(config::pointer_to("/targetGroups", i) + "/targets", j) + "/address",
                     fmt::format("{} is an address of this machine; a target must be another host",
                                 targets[j].address.to_string()));
    }
}

/// What is wrong with a file of trusted certificates; empty: nothing that can be seen from outside.
std::string ca_file_error(const std::string &file) {
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored) && !std::filesystem::is_regular_file(file, ignored))
        return file + " is not a regular file"; // and opening a FIFO would wait
    const auto text = read_file(file);
    if (!text)
        return text.error().message;
    return text->find("-----BEGIN ") == std::string::npos ? file + " contains no PEM certificate" : "";
}

void HostChecker::check_ca_files() {
    for (std::size_t i = 0; i < manifest_.target_groups.size(); ++i) {
        const auto &check = manifest_.target_groups[i].health_check;
        if (check.protocol != config::ProbeProtocol::https || check.ca_file.empty())
            continue;
        if (const auto error = ca_file_error(check.ca_file); !error.empty())
            warn(Severity::error, "ca-file", config::pointer_to("/targetGroups", i) + "/healthCheck/caFile",
                 fmt::format(
                     "{}; until this is fixed, no target of this group is checked, and all keep their states",
                     error));
    }
}

} // namespace

HostFindings check_host(const config::Manifest &manifest, const network::Snapshot &snapshot) {
    HostChecker checker(manifest, snapshot);
    checker.check_tunnel();
    checker.check_endpoints();
    checker.check_targets();
    checker.check_ca_files();
    return std::move(checker).take();
}

std::vector<config::ManifestError> check_descriptors(const config::Manifest &manifest, std::uint64_t limit) {
    std::uint64_t needed = base_descriptors;
    for (const auto &group : manifest.target_groups)
        needed += group.targets.size();
    if (needed <= limit)
        return {};
    return {
        {"/targetGroups",
         fmt::format("health checks of {} targets need {} open files, and the limit of glbd is {}; fix: set "
                     "LimitNOFILE={} in the service (ulimit -Hn), and restart glbd",
                     needed - base_descriptors, needed, limit, needed)}};
}

} // namespace glb::control
