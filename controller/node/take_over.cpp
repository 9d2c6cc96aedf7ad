// LocalNode: the data path and its indexes, loaded anew or taken over from an earlier daemon.
#include <algorithm>
#include <random>

#include "controller/node/node.h"
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
    if (manifest.node.hash_seed)
        return {};
    GLB_ASSIGN(const auto kept, pins_->kept());
    std::optional<HashSeed> running;
    if (kept && kept->seed_length <= GLB_SEED_BYTES)
        running = HashSeed(kept->seed, kept->seed + kept->seed_length);
    GLB_ASSIGN(auto stored, store_.hash_seed(running, !kept));
    if (!stored.warning.empty())
        spdlog::warn("{}", stored.warning);
    seed_ = std::move(stored.seed);
    return {};
}

Status LocalNode::load_program(const Manifest &manifest) {
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
        written_names_.clear();
        if (kept) {
            GLB_ASSIGN(written_names_, datapath::pinned_names(*pins_));
        }
        book_ = IndexBook::from_names(written_names_);
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
            GLB_TRY(program_->forget_target(row - GLB_NAMES_TARGETS));
        else if (row < GLB_NAMES_GROUPS)
            GLB_TRY(program_->forget_endpoint(row));
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

} // namespace glb
