// LocalNode: its interfaces: offloads, the program on them, where the FIB's devices and next hops are.
#include <cstring>
#include <linux/neighbour.h>

#include "controller/network/ethtool.h"
#include "controller/node/node.h"
#include "controller/util/log.h"

namespace glb {

namespace {

/// False where the interface refuses, or there is no such switch.
bool turn_on(const std::string &interface, const std::string &name) {
    for (const auto offload : {Offload::rx_vlan, Offload::lro, Offload::gro})
        if (to_string(offload) == name)
            return set_offload(interface, offload, true).has_value();
    return false;
}

} // namespace

Status LocalNode::prepare_offloads(const Manifest &manifest, const std::string &interface) {
    std::vector<Offload> off{Offload::rx_vlan};
    if (manifest.node.xdp_mode == XdpMode::generic)
        off.insert(off.end(), {Offload::gro, Offload::lro});
    auto former = store_.value("offloads");
    if (!former.is_object())
        former = nlohmann::json::object();
    bool changed = false;
    for (const auto offload : off) {
        const auto on = get_offload(interface, offload);
        if (!on || !*on)
            continue; // off already, or no such switch
        auto &row = former[interface];
        if (!row.contains(std::string(to_string(offload)))) {
            row[std::string(to_string(offload))] = true;
            changed = true;
        }
        if (changed)
            GLB_TRY(store_.set_value("offloads", former));
        if (const auto done = set_offload(interface, offload, false); !done)
            spdlog::warn("cannot turn {} off on {}: {}", to_string(offload), interface, done.error().message);
    }
    return {};
}

void LocalNode::restore_offloads() {
    const auto former = store_.value("offloads");
    if (former.is_object())
        for (const auto &[interface, row] : former.items())
            for (const auto &[name, on] : row.items())
                (void)turn_on(interface, name); // the interface may be gone
    (void)store_.set_value("offloads", nullptr);
}

/// What was turned off for a mode that is not in use any more, or on an interface that has none of our
/// programs, is turned on again. An interface that is not there keeps its row: it may come back as it went.
Status LocalNode::restore_unneeded_offloads(const Manifest &manifest) {
    auto former = store_.value("offloads");
    if (!former.is_object())
        return {};
    auto left = nlohmann::json::object();
    for (const auto &[interface, row] : former.items()) {
        const auto *link = snapshot_.link(interface);
        const bool attached = link && attachments_->is_attached(link->index);
        for (const auto &[name, on] : row.items()) {
            const bool for_generic = name != to_string(Offload::rx_vlan);
            const bool needed = attached && (!for_generic || manifest.node.xdp_mode == XdpMode::generic);
            if (needed || !link || !turn_on(interface, name))
                left[interface][name] = on;
        }
    }
    return left == former ? Status{}
                          : store_.set_value("offloads", left.empty() ? nlohmann::json() : std::move(left));
}

void LocalNode::on_driver_lacks_metadata(unsigned ifindex) {
    const auto *link = snapshot_.link(ifindex);
    if (link && no_door_.insert(ifindex).second)
        spdlog::warn(
            "{} has no door: its driver gives no XDP metadata, and what needs the kernel's stack is dropped "
            "(punt_failed); node.xdpMode \"generic\" has it",
            link->name);
}

/// By the snapshot of the last reconciling.
void LocalNode::log_interface_changes() {
    const auto names = manifest_ ? interface_names(*manifest_) : std::set<std::string>{};
    interface_log_.retain_only(names);
    for (const auto &name : names) {
        const auto *link = snapshot_.link(name);
        for (const auto &line : interface_log_.update(name, link ? link->index : 0))
            spdlog::warn("{}", line);
    }
}

Status LocalNode::attach_all(const Manifest &manifest) {
    const auto mode = manifest.node.xdp_mode == XdpMode::native ? datapath::AttachMode::native
                                                                : datapath::AttachMode::generic;
    for (const auto &name : interface_names(manifest)) {
        const auto *link = snapshot_.link(name);
        if (!link)
            continue; // comes by the monitor when it appears
        if (!attachments_->is_attached(link->index) || attachments_->mode(link->index) != mode) {
            GLB_TRY(prepare_offloads(manifest, name));
            no_door_.erase(link->index);
        }
        GLB_TRY(attachments_->attach(link->index, name, mode, program_->handles->program()));
        GLB_TRY(program_->egress.add_device(link->index));
    }
    return restore_unneeded_offloads(manifest);
}

Status LocalNode::write_egress() {
    std::set<unsigned> carriers;
    for (const auto ifindex : attachments_->interfaces())
        if (attachments_->is_attached(ifindex))
            carriers.insert(ifindex);
    return program_->egress.sync_egress(plan_egress(snapshot_, carriers));
}

Status LocalNode::write_next_hops() {
    std::map<datapath::NextHopKey, glb_next_hop> wanted;
    for (const auto &[ifindex, hop] : plan_next_hops(snapshot_, program_->egress.egress())) {
        MacAddress mac;
        std::memcpy(mac.bytes.data(), hop.destination, mac.bytes.size());
        wanted.emplace(std::pair(ifindex, mac), hop);
    }
    return program_->egress.sync_next_hops(std::move(wanted), program_->config);
}

/// The data path uses neighbours without the kernel's knowledge: one behind an endpoint that has got another
/// MAC in silence would be believed for ever. Those that flows use and that the kernel has not heard of
/// lately are asked.
void LocalNode::refresh_used_next_hops(const FlowStats &count) {
    std::set<std::pair<std::uint32_t, MacAddress>> used;
    for (const auto &[key, installed] : program_->egress.next_hops())
        if (count.next_hops.contains(static_cast<std::uint16_t>(installed.index)))
            used.insert(key);
    for (const auto &neighbour : snapshot_.neighbours)
        if (neighbour.state == NUD_STALE && used.contains({neighbour.ifindex, neighbour.mac}))
            paths_->resolve(neighbour.ifindex, neighbour.address);
}

} // namespace glb
