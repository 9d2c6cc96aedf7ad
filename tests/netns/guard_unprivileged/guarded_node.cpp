#include "tests/netns/guard_unprivileged/guarded_node.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include <net/if.h>

#include "controller/guard/filter.h"
#include "tests/harness/must.h"

namespace glb::test {

GuardedNode::GuardedNode() {
    std::filesystem::create_directory(paths.state.parent_path());
    for (const std::string name : {"eth0", "eth1"}) {
        add_interface(name);
        for (const std::string key : {"rp_filter", "send_redirects"})
            ns.sysctl("net/ipv4/conf/" + name + "/" + key, name == "eth0" ? "0" : "1");
    }
}

void GuardedNode::add_interface(const std::string &name) const {
    ns.must({"ip", "link", "add", name, "type", "veth", "peer", "name", "peer-" + name});
    ns.must({"ip", "link", "set", name, "up"});
}

plan::GuardPlan GuardedNode::plan(const Lines &interfaces, std::uint32_t route_table) const {
    plan::GuardPlan plan;
    for (const auto &name : interfaces) {
        plan::GuardedPort port;
        port.interface = name;
        port.devices = {name};
        port.ifindex = ns.call([&] { return ::if_nametoindex(name.c_str()); });
        port.endpoint = 0;
        port.endpoint_name = "web";
        port.route_table = route_table;
        plan.ports.push_back(port);
    }
    return plan;
}

std::string GuardedNode::state() const {
    return run("nft -s list ruleset; ip rule | sort; ip -6 rule | sort; tc qdisc show; "
               "for dev in eth0 eth1; do for hook in ingress egress; do "
               "echo $dev $hook; tc filter show dev $dev $hook 2>&1; done; done; "
               "cd /proc/sys/net; grep . ipv4/conf/eth[01]/rp_filter ipv4/conf/eth[01]/src_valid_mark "
               "ipv4/conf/all/send_redirects ipv4/conf/eth[01]/send_redirects ipv4/fwmark_reflect "
               "ipv6/fwmark_reflect");
}

std::string GuardedNode::table() const {
    return run("nft -s list table inet glb");
}

Lines GuardedNode::rules(const std::string &family) const {
    std::istringstream text(ns.must({"ip", family, "rule"}));
    Lines lines;
    for (std::string line; std::getline(text, line);) {
        line.erase(std::find_if(line.rbegin(), line.rend(), [](char c) { return c != ' '; }).base(),
                   line.end());
        std::replace(line.begin(), line.end(), '\t', ' ');
        if (line.rfind("0:", 0) != 0 && line.rfind("3276", 0) != 0)
            lines.push_back(line);
    }
    return lines;
}

std::string GuardedNode::sysctl(const std::string &key) const {
    return ns.call([&] { return guard::read_sysctl(key).value_or("none"); });
}

bool GuardedNode::has_clsact(const std::string &interface) const {
    return ns.must({"tc", "qdisc", "show", "dev", interface}).find("clsact") != std::string::npos;
}

const FakeProgram *GuardedNode::filter(const std::string &interface) const {
    const auto filters = ns.call([&] {
        auto netlink = must(Netlink::open());
        return must(guard::list_filters(netlink, ::if_nametoindex(interface.c_str())));
    });
    const auto own =
        std::find_if(filters.begin(), filters.end(), [](const auto &filter) { return filter.is_own(); });
    return own == filters.end() ? nullptr : programs.find(own->program_id);
}

void GuardedNode::read_only() const {
    std::filesystem::rename(folder.path() / "state", folder.path() / "moved");
}

void GuardedNode::writable() const {
    std::filesystem::rename(folder.path() / "moved", folder.path() / "state");
}

NodeGuard::NodeGuard(const GuardedNode &node, const guard::GuardPaths &paths)
    : node_(node), guard_(node.ns.call([&] { return must(guard::Guard::open(paths)); })) {}

Status NodeGuard::install(const plan::GuardPlan &plan) {
    return node_.ns.call([&] { return guard_.install(plan); });
}
Status NodeGuard::set_magic(std::uint32_t magic) {
    return node_.ns.call([&] { return guard_.set_magic(magic); });
}
Status NodeGuard::remove() {
    return node_.ns.call([&] { return guard_.remove(); });
}
Status NodeGuard::check_owner() {
    return node_.ns.call([&] { return guard_.check_owner(); });
}
Result<bool> NodeGuard::restore(const Lines &known_devices) {
    return node_.ns.call([&] { return guard_.restore(known_devices); });
}
Result<std::optional<std::string>> NodeGuard::collect(bool dry_run) {
    return node_.ns.call([&] { return guard_.collect(dry_run); });
}
guard::GuardReport NodeGuard::check() {
    return node_.ns.call([&] { return guard_.check_and_repair(); });
}
bool NodeGuard::is_notified() {
    return guard_.monitor().drain();
}
std::uint64_t NodeGuard::uninspected() {
    return node_.ns.call([&] { return must(guard_.uninspected()); }).packets;
}

} // namespace glb::test
