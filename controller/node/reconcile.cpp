// The steps by which a node makes the kernel hold a manifest, in an order that never opens a hole: guard, maps,
// words, attach, egress, bank, and only then what is not wanted any more goes.
#include <algorithm>
#include <cstring>
#include <random>

#include "controller/net/ethtool.h"
#include "controller/node/node.h"
#include "controller/steer/maglev.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexBook::Kind;

std::uint32_t random_word() {
    static std::random_device device;
    std::uint32_t word = 0;
    while (word == 0)
        word = device();
    return word;
}

datapath::LoadSettings fresh_settings(const Manifest &manifest) {
    datapath::LoadSettings settings;
    settings.capacity = datapath::round_capacity(manifest.node.flow_table_capacity);
    for (auto &word : settings.table_key)
        word = random_word();
    settings.door_magic = random_word();
    return settings;
}

datapath::LoadSettings kept_settings(const glb_kept &kept) {
    datapath::LoadSettings settings;
    settings.capacity = (kept.settings.bucket_mask + 1) * GLB_FLOW_WAYS;
    std::copy(std::begin(kept.settings.table_key.word), std::end(kept.settings.table_key.word),
              settings.table_key.begin());
    settings.door_magic = kept.settings.door_magic;
    return settings;
}

glb_kept kept_of(const datapath::LoadSettings &settings, const std::vector<std::uint8_t> &seed) {
    glb_kept kept{};
    kept.schema = GLB_SCHEMA;
    kept.seed_length = static_cast<std::uint32_t>(std::min<std::size_t>(seed.size(), GLB_SEED_BYTES));
    std::copy_n(seed.begin(), kept.seed_length, kept.seed);
    std::copy(settings.table_key.begin(), settings.table_key.end(), kept.settings.table_key.word);
    kept.settings.bucket_mask = settings.capacity / GLB_FLOW_WAYS - 1;
    kept.settings.door_magic = settings.door_magic;
    return kept;
}

template <typename Row>
bool same_rows(const std::vector<Row> &a, const std::vector<Row> &b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Row)) == 0);
}

bool same_image(const datapath::BankImage &a, const datapath::BankImage &b) {
    return std::memcmp(&a.node, &b.node, sizeof a.node) == 0 && same_rows(a.ports, b.ports) &&
           same_rows(a.endpoints, b.endpoints) && same_rows(a.endpoint_ids, b.endpoint_ids) &&
           same_rows(a.groups, b.groups) && same_rows(a.targets, b.targets) && same_rows(a.senders, b.senders) &&
           same_rows(a.own, b.own) && same_rows(a.own_macs, b.own_macs);
}

} // namespace

Status LocalNode::reconcile(const Manifest &manifest, bool new_epoch, const std::function<Status()> &commit) {
    GLB_ASSIGN(snapshot_, take_snapshot(*netlink_));
    GLB_TRY(prepare_program(manifest));
    GLB_TRY(claim_indexes(manifest));
    // Guarded before anything is attached; what is about to go is guarded until it is gone.
    auto plan = plan_guard(manifest, book_, snapshot_);
    if (manifest_ && !(manifest == *manifest_)) {
        auto both = plan;
        for (auto &port : plan_guard(*manifest_, book_, snapshot_).ports)
            if (std::none_of(plan.ports.begin(), plan.ports.end(), [&](const guard::GuardPort &other) {
                    return other.interface == port.interface && other.vlans == port.vlans;
                }))
                both.ports.push_back(std::move(port));
        GLB_TRY(guard_->install(both));
    } else {
        GLB_TRY(guard_->install(plan));
    }
    guard_report_.installed = true;
    GLB_TRY(load_program(manifest));
    GLB_ASSIGN(const auto kept, program_->kept());
    GLB_TRY(guard_->set_magic(kept.settings.door_magic));

    fleet_.set_manifest(manifest, book_, Clock::now());
    adopt_drains();
    GLB_TRY(build_tables(manifest));
    GLB_TRY(write_words());
    GLB_TRY(attach_all(manifest));
    GLB_TRY(write_egress());
    if (commit)
        GLB_TRY(commit());
    GLB_TRY(write_bank(manifest, new_epoch));
    GLB_TRY(detach_others(manifest));
    GLB_TRY(guard_->install(plan));
    GLB_TRY(guard_->set_magic(kept.settings.door_magic));
    GLB_TRY(write_next_hops());
    drop_unused_tables();
    prober_->set_targets(fleet_.probe_targets(manifest.node.tunnel.address));
    return {};
}

/// What the pinned maps say of themselves comes first: indexes, seed, capacity are theirs.
Status LocalNode::prepare_program(const Manifest &manifest) {
    if (program_)
        return {};
    if (!pins_) {
        GLB_ASSIGN(pins_, datapath::Pins::open(settings_.bpffs));
    }
    GLB_ASSIGN(const auto kept, pins_->kept());
    std::optional<HashSeed> running;
    if (kept && kept->seed_length <= GLB_SEED_BYTES)
        running = HashSeed(kept->seed, kept->seed + kept->seed_length);
    if (manifest.node.hash_seed) {
        seed_ = *manifest.node.hash_seed;
    } else {
        GLB_ASSIGN(auto stored, store_.hash_seed(running, !kept));
        if (!stored.warning.empty())
            spdlog::warn("{}", stored.warning);
        seed_ = std::move(stored.seed);
    }
    return {};
}

Status LocalNode::load_program(const Manifest &manifest) {
    if (manifest.node.hash_seed)
        seed_ = *manifest.node.hash_seed;
    if (program_)
        return {};
    GLB_ASSIGN(const auto kept, pins_->kept());
    GLB_ASSIGN(auto attachments, datapath::Attachments::open(*pins_));
    if (!kept) {
        // Maps that were never filled: a start that was cut short. Nothing of them is worth keeping.
        for (const auto ifindex : attachments.interfaces())
            GLB_TRY(attachments.detach(ifindex));
        GLB_TRY(pins_->remove_maps());
    }
    const auto settings = kept ? kept_settings(*kept) : fresh_settings(manifest);
    GLB_ASSIGN(auto program, datapath::Program::load(settings, *pins_));
    if (!kept) {
        const auto value = kept_of(settings, seed_);
        GLB_TRY(program.set_kept(value));
    }
    GLB_ASSIGN(auto table, FlowTable::map(program.map_fd("glb_flows"), program.map_fd("glb_flows_cold"),
                                          settings.capacity));
    GLB_TRY(attachments.replace_program(program.fd()));
    if (kept)
        spdlog::info("took over a running data path: {} entries, {} interfaces", settings.capacity,
                     attachments.interfaces().size());
    capacity_ = settings.capacity;
    program_ = std::move(program);
    attachments_ = std::move(attachments);
    table_ = std::move(table);
    if (auto watch = datapath::RedirectWatch::attach(*program_))
        redirects_ = std::move(*watch);
    else
        spdlog::warn("redirect_failed does not count what the kernel loses: {}", watch.error().message);
    GLB_TRY(program_->clear_next_hops());
    GLB_TRY(program_->raise_route_generation());
    if (kept) {
        GLB_ASSIGN(written_names_, program_->names());
        book_ = IndexBook::from_names(written_names_);
        const auto now = tick_now();
        for (std::uint16_t group = 0; group < GLB_MAX_GROUPS; ++group) {
            GLB_ASSIGN(const auto row, program_->active_group(group));
            if (row.table == GLB_NO_TABLE || row.table >= GLB_MAX_TABLES)
                continue;
            GLB_ASSIGN(const auto print, program_->maglev_print(row.table));
            tables_.adopt(group, row, print, now);
        }
        GLB_ASSIGN(const auto egress, program_->egress_interfaces());
        for (const auto ifindex : egress)
            written_egress_.emplace(ifindex, glb_egress{});
    }
    watch_events();
    return claim_indexes(manifest);
}

Status LocalNode::claim_indexes(const Manifest &manifest) {
    if (!program_) {
        // Names of a running data path must be known before anybody gets an index.
        GLB_ASSIGN(const auto kept, pins_->kept());
        book_ = IndexBook();
        if (kept) {
            GLB_ASSIGN(const auto names, datapath::pinned_names(*pins_));
            book_ = IndexBook::from_names(names);
        }
    }
    for (const auto &group : manifest.target_groups) {
        GLB_TRY(book_.claim(Kind::group, group.name));
        for (const auto &target : group.targets)
            GLB_TRY(book_.claim(Kind::target, target_name(group.name, target.id)));
    }
    for (const auto &endpoint : manifest.endpoints)
        GLB_TRY(book_.claim(Kind::endpoint, endpoint.name));
    if (!program_)
        return {};
    const auto rows = book_.rows();
    written_names_.resize(rows.size());
    for (std::uint32_t row = 0; row < rows.size(); ++row) {
        if (rows[row] == written_names_[row])
            continue;
        if (row >= GLB_NAMES_TARGETS)
            GLB_TRY(program_->clear_target_count(row - GLB_NAMES_TARGETS));
        else if (row < GLB_NAMES_GROUPS)
            GLB_TRY(program_->clear_endpoint_count(row));
        GLB_TRY(program_->set_name(row, rows[row]));
        written_names_[row] = rows[row];
    }
    return {};
}

/// Targets whose drain an earlier daemon began: the data path still sends to them.
void LocalNode::adopt_drains() {
    for (const auto &name : book_.retired(Kind::target)) {
        const auto index = *book_.find(Kind::target, name);
        const auto slash = name.find('/');
        if (fleet_.members().contains(name) || written_bank_ || slash == std::string::npos)
            continue;
        const auto row = program_->active_target(index);
        if (!row || row->destination == 0)
            continue;
        Target target;
        target.id = name.substr(slash + 1);
        target.address = IpAddress::v4(row->destination);
        target.port = static_cast<std::uint16_t>(row->port >> 8 | row->port << 8);
        target.weight = 0;
        const auto now = Clock::now();
        FleetMember member{name.substr(0, slash), name, index, row->group, target, TargetHealth({}, now),
                           now + std::chrono::seconds(300), FailurePolicy::rehash};
        (void)member.health.set_draining(Draining::deregistered, now);
        fleet_.adopt_removed(std::move(member));
    }
}

Status LocalNode::build_tables(const Manifest &manifest) {
    slots_.clear();
    const auto now = tick_now();
    tables_.close_windows(now);
    for (const auto &group : manifest.target_groups) {
        std::vector<MaglevTarget> targets;
        for (const auto &target : group.targets)
            targets.push_back({target.id, target.weight, *book_.find(Kind::target, target_name(group.name, target.id))});
        const auto slots = build_maglev(targets);
        for (const auto index : slots)
            if (index != kMaglevNoTarget)
                ++slots_[index];
        const auto index = *book_.find(Kind::group, group.name);
        const auto print = datapath::maglev_fingerprint(slots);
        if (tables_.row(index).print == print)
            continue;
        const auto window = std::max({group.idle_tcp, group.idle_other, group.deregistration_delay});
        GLB_ASSIGN(const auto place,
                   tables_.begin(index, print, now, static_cast<std::uint32_t>(window.count()) * GLB_TICKS_PER_SECOND));
        GLB_TRY(program_->put_maglev(place, slots));
    }
    return {};
}

Status LocalNode::write_words() {
    for (const auto &row : fleet_.words(Clock::now())) {
        auto &before = written_groups_[row.group_index];
        if (before.fallback != row.words.fallback || before.targets.empty())
            GLB_TRY(program_->set_fallback(row.group_index, row.words.fallback));
        for (std::size_t i = 0; i < row.indexes.size(); ++i) {
            const auto [at, is_new] = written_words_.try_emplace(row.indexes[i], 0);
            if (is_new || at->second != row.words.targets[i])
                GLB_TRY(program_->set_target_word(row.indexes[i], row.words.targets[i]));
            at->second = row.words.targets[i];
        }
        GLB_TRY(program_->set_group_word(row.group_index, row.words.none));
        before = row.words;
    }
    return {};
}

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
            for (const auto offload : {Offload::rx_vlan, Offload::lro, Offload::gro})
                if (row.contains(std::string(to_string(offload))))
                    (void)set_offload(interface, offload, true); // the interface may be gone
    (void)store_.set_value("offloads", nullptr);
}

Status LocalNode::attach_all(const Manifest &manifest) {
    const auto mode =
        manifest.node.xdp_mode == XdpMode::native ? datapath::AttachMode::native : datapath::AttachMode::generic;
    for (const auto &name : interface_names(manifest)) {
        const auto *link = snapshot_.link(name);
        if (!link)
            continue; // comes by the monitor when it appears
        if (!attachments_->is_attached(link->index) || attachments_->mode(link->index) != mode)
            GLB_TRY(prepare_offloads(manifest, name));
        GLB_TRY(attachments_->attach(link->index, name, mode, program_->fd()));
        GLB_TRY(program_->add_device(link->index));
    }
    return {};
}

Status LocalNode::write_egress() {
    std::set<unsigned> carriers;
    for (const auto ifindex : attachments_->interfaces())
        if (attachments_->is_attached(ifindex))
            carriers.insert(ifindex);
    const auto wanted = plan_egress(snapshot_, carriers);
    for (const auto &[ifindex, row] : wanted) {
        const auto before = written_egress_.find(ifindex);
        if (before == written_egress_.end() || std::memcmp(&before->second, &row, sizeof row) != 0)
            GLB_TRY(program_->set_egress(ifindex, row));
    }
    for (const auto &[ifindex, row] : written_egress_)
        if (!wanted.contains(ifindex))
            GLB_TRY(program_->remove_egress(ifindex));
    written_egress_ = wanted;
    return {};
}

/// A row's index is never given to another neighbour while indexes last; then all begin anew, behind a raised
/// generation and a grace period.
Status LocalNode::write_next_hops() {
    std::map<std::pair<std::uint32_t, MacAddress>, glb_next_hop> wanted;
    for (const auto &[ifindex, hop] : plan_next_hops(snapshot_, written_egress_)) {
        MacAddress mac;
        std::memcpy(mac.bytes.data(), hop.destination, mac.bytes.size());
        wanted.emplace(std::pair(ifindex, mac), hop);
    }
    for (auto at = written_hops_.begin(); at != written_hops_.end();) {
        const auto same = wanted.find(at->first);
        if (same != wanted.end() && std::memcmp(&same->second, &at->second.second, sizeof(glb_next_hop)) == 0) {
            wanted.erase(same);
            ++at;
        } else {
            GLB_TRY(program_->remove_next_hop(at->first.first, at->first.second));
            at = written_hops_.erase(at);
        }
    }
    if (next_hop_index_ + wanted.size() >= GLB_MAX_NEXT_HOPS) {
        GLB_TRY(program_->clear_next_hops());
        written_hops_.clear();
        next_hop_index_ = 0;
        GLB_TRY(program_->raise_route_generation());
        GLB_TRY(program_->wait_for_packets());
        return {}; // the next round writes them
    }
    for (const auto &[key, hop] : wanted) {
        GLB_TRY(program_->set_next_hop(next_hop_index_, key.first, hop));
        written_hops_[key] = {next_hop_index_++, hop};
    }
    return {};
}

Status LocalNode::write_bank(const Manifest &manifest, bool new_epoch) {
    std::set<IpAddress> addresses;
    for (const auto &[name, member] : fleet_.members())
        addresses.insert(member.target.address);
    ways_ = paths_->update(snapshot_, manifest.node.tunnel, addresses, Clock::now());
    GLB_ASSIGN(auto image, datapath::build_bank(plan_bank(manifest, book_, snapshot_, tables_, fleet_.members(), ways_,
                                                          steer_key(seed_))));
    if (!new_epoch && written_bank_ && same_image(image, *written_bank_))
        return {};
    GLB_TRY(program_->write_idle_bank(image));
    GLB_ASSIGN(const auto control, program_->control());
    GLB_TRY(program_->flip(new_epoch || control.epoch == 0));
    written_bank_ = std::move(image);
    return {};
}

Status LocalNode::detach_others(const Manifest &manifest) {
    std::set<unsigned> wanted;
    for (const auto &name : interface_names(manifest))
        if (const auto *link = snapshot_.link(name))
            wanted.insert(link->index);
    bool any = false;
    for (const auto ifindex : attachments_->interfaces())
        if (!wanted.contains(ifindex)) {
            GLB_TRY(attachments_->detach(ifindex));
            any = true;
        }
    return any ? write_egress() : Status{};
}

void LocalNode::drop_unused_tables() {
    tables_.settle();
    for (std::uint32_t index = 0; index < GLB_MAX_TABLES; ++index) {
        if (tables_.in_use(index))
            continue;
        const auto print = program_->maglev_print(index);
        if (print && *print)
            if (const auto done = program_->remove_maglev(index); !done)
                spdlog::warn("{}", done.error().message);
    }
}

} // namespace glb
