// LocalNode: the data path and its indexes, loaded anew or taken over from an earlier daemon.
#include <algorithm>
#include <random>

#include "controller/node/node.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexAllocator::Kind;

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
    settings.punt_magic = random_word();
    return settings;
}

} // namespace

/// What the pinned maps say of themselves comes first: indexes, seed, capacity are theirs.
Status LocalNode::prepare_program(const Manifest &manifest) {
    if (manifest.node.hash_seed)
        seed_ = *manifest.node.hash_seed;
    if (program_)
        return {};
    if (!pins_) {
        GLB_ASSIGN(pins_, datapath::Pins::open(settings_.bpffs));
    }
    GLB_ASSIGN(found_, datapath::find_pin_sets(settings_.bpffs));
    std::vector<datapath::PinSetInfo> facts;
    for (const auto &set : found_.sets)
        facts.push_back(set.info);
    plan_ = datapath::plan_takeover(facts, GLB_SCHEMA,
                                    datapath::round_capacity(manifest.node.flow_table_capacity));
    const auto known = plan_.active ? plan_.active : plan_.source;
    if (known)
        pins_ = found_.sets[*known].pins;
    if (manifest.node.hash_seed)
        return {};
    std::optional<HashSeed> running;
    if (known) {
        const auto &kept = *found_.sets[*known].metadata;
        running = HashSeed(kept.seed, kept.seed + std::min<std::uint32_t>(kept.seed_length, GLB_SEED_BYTES));
    }
    GLB_ASSIGN(auto stored, store_.hash_seed(running, !known));
    if (!stored.warning.empty())
        spdlog::warn("{}", stored.warning);
    seed_ = std::move(stored.seed);
    return {};
}

Status LocalNode::load_program(const Manifest &manifest) {
    const auto wanted = datapath::round_capacity(manifest.node.flow_table_capacity);
    GLB_TRY(undo_move());
    if (program_)
        return capacity_ == wanted || move_ ? Status{} : begin_resize(wanted);
    GLB_ASSIGN(attachments_, datapath::Attachments::open(*pins_));
    for (const auto index : plan_.discard) {
        spdlog::info("removing the maps {}, which nothing holds", found_.sets[index].pins.name());
        GLB_TRY(found_.sets[index].pins.remove());
    }
    const bool adopted = plan_.active || plan_.source;
    if (!adopted)
        GLB_TRY(load_fresh(manifest));
    else if (plan_.source)
        GLB_TRY(begin_upgrade(wanted));
    else
        GLB_TRY(load_kept(found_.sets[*plan_.active]));
    found_ = {};
    plan_ = {};
    if (auto watch = datapath::RedirectTracepoints::attach(*program_->handles))
        redirects_ = std::move(*watch);
    else
        spdlog::warn("redirect_failed does not count what the kernel loses: {}", watch.error().message);
    GLB_TRY(program_->egress.clear_next_hops());
    GLB_TRY(program_->config.raise_route_generation());
    if (adopted) {
        GLB_TRY(adopt_tables());
        GLB_TRY(restore_ejections_from_maps(manifest));
    }
    return claim_indexes(manifest);
}

/// There is nothing that is worth keeping: at most maps of a start that was cut short.
Status LocalNode::load_fresh(const Manifest &manifest) {
    for (const auto ifindex : attachments_->interfaces())
        GLB_TRY(attachments_->detach(ifindex));
    for (const auto &set : found_.sets)
        GLB_TRY(set.pins.remove());
    GLB_ASSIGN(pins_, datapath::Pins::make(settings_.bpffs));
    attachments_->set_pins(*pins_);
    const auto settings = fresh_settings(manifest);
    GLB_ASSIGN(const auto handles, datapath::load(settings, *pins_));
    GLB_TRY(datapath::ConfigWriter(handles).set_metadata(datapath::make_metadata(settings, seed_)));
    use_program(handles);
    return {};
}

Status LocalNode::load_kept(const datapath::PinSet &set) {
    const auto settings = datapath::load_settings_from(*set.metadata, set.info.capacity);
    GLB_ASSIGN(const auto handles, datapath::load(settings, set.pins));
    GLB_TRY(attachments_->replace_program(handles->program(), found_.programs));
    spdlog::info("took over a running data path: {} entries, {} interfaces", settings.capacity,
                 attachments_->interfaces().size());
    use_program(handles);
    return {};
}

void LocalNode::use_program(const datapath::DatapathHandlesPtr &handles,
                            datapath::DatapathHandlesPtr *former) {
    census_.reset(); // it reads the table so far
    detach_health();
    capacity_ = handles->capacity();
    if (former)
        *former = program_ ? program_->handles : nullptr;
    if (program_) {
        program_->rebind(handles);
    } else {
        program_.emplace(handles);
        epoch_found_ = epoch_of(program_);
    }
    table_ = {handles, &handles->flow_table()};
    attach_health();
}

/// What the active bank says of Maglev tables and epochs, and which interfaces have a row of egress.
Status LocalNode::adopt_tables() {
    const auto now = tick_now();
    for (std::uint16_t group = 0; group < GLB_MAX_GROUPS; ++group) {
        GLB_ASSIGN(const auto row, program_->config.active_group(group));
        if (row.tcp_ticks == 0 || row.table == GLB_NO_TABLE || row.table >= GLB_MAX_TABLES)
            continue;
        GLB_ASSIGN(const auto print, program_->config.maglev_fingerprint_at(row.table));
        tables_.adopt(group, row, print, now);
    }
    return program_->egress.restore_egress();
}

/// An ejection is in the data path at once and in the state file a moment later. Targets that were ejected in
/// between stay ejected.
Status LocalNode::restore_ejections_from_maps(const Manifest &manifest) {
    std::map<std::string, HealthReason> failures;
    for (const auto &group : manifest.target_groups)
        for (const auto &target : group.targets) {
            const auto name = target_name(group.name, target.id);
            const auto index = book_.find(Kind::target, name);
            if (!index)
                continue;
            GLB_ASSIGN(const auto state, program_->state.target_state(*index));
            if (!(state & GLB_TARGET_KEEP_EMBRYONIC))
                failures[name] = group.health_check.passive.enabled ? HealthReason::no_return_traffic
                                                                    : HealthReason::failed_health_checks;
        }
    health_.run([&] { engine_->restore_failures(failures); });
    return {};
}

Status LocalNode::claim_indexes(const Manifest &manifest) {
    if (!program_) {
        // Names of a running data path must be known before anybody gets an index.
        GLB_ASSIGN(const auto kept, pins_->metadata());
        written_.names.clear();
        if (kept) {
            GLB_ASSIGN(written_.names, pins_->index_names());
        }
        book_ = IndexAllocator::from_names(written_.names);
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
    written_.names.resize(rows.size());
    for (std::uint32_t row = 0; row < rows.size(); ++row) {
        if (rows[row] == written_.names[row])
            continue;
        if (row >= GLB_INDEX_NAMES_TARGETS)
            GLB_TRY(program_->config.forget_target(row - GLB_INDEX_NAMES_TARGETS));
        else if (row < GLB_INDEX_NAMES_GROUPS)
            GLB_TRY(program_->config.forget_endpoint(row));
        GLB_TRY(program_->config.set_index_name(row, rows[row]));
        written_.names[row] = rows[row];
    }
    return {};
}

/// Targets whose drain an earlier daemon began: the data path still sends to them. Before the first bank is
/// written.
std::vector<AdoptedTarget> LocalNode::adopted_targets() const {
    std::vector<AdoptedTarget> adopted;
    if (written_.bank)
        return adopted;
    const auto live = health();
    for (const auto &name : book_.retired(Kind::target)) {
        const auto index = *book_.find(Kind::target, name);
        const auto slash = name.find('/');
        if (live->find(name) || slash == std::string::npos)
            continue;
        const auto row = program_->config.active_target(index);
        if (!row || row->destination == 0)
            continue;
        HealthTarget target;
        target.id = name.substr(slash + 1);
        target.address = IpAddress::v4(row->destination);
        target.port = static_cast<std::uint16_t>(row->port >> 8 | row->port << 8);
        target.weight = 0;
        target.index = index;
        adopted.push_back({name.substr(0, slash), row->group, target});
    }
    return adopted;
}

} // namespace glb
