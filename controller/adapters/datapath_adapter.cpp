#include "controller/adapters/datapath_adapter.h"

#include <algorithm>
#include <random>
#include <system_error>
#include <utility>

#include "controller/adapters/table_migration_adapter.h"
#include "controller/adapters/target_states.h"
#include "controller/datapath/counter_reader.h"
#include "controller/datapath/loader.h"
#include "controller/datapath/metadata.h"
#include "controller/datapath/pin_repair.h"
#include "controller/util/first_failure.h"
#include "controller/util/lock_file.h"
#include "controller/util/log.h"

namespace glb::adapters {

namespace {

std::uint32_t random_word() {
    static std::random_device device;
    std::uint32_t word = 0;
    while (word == 0)
        word = device();
    return word;
}

datapath::LoadSettings new_settings(std::uint32_t capacity) {
    datapath::LoadSettings settings;
    settings.capacity = capacity;
    for (auto &word : settings.table_key)
        word = random_word();
    settings.punt_magic = random_word();
    return settings;
}

/// Removes what an interrupted start left.
Status remove_leftovers(const datapath::PinSets &found, datapath::Attachments &attachments) {
    for (const auto ifindex : attachments.interfaces())
        GLB_TRY(attachments.detach(ifindex));
    for (const auto &set : found.sets)
        GLB_TRY(set.pins.remove());
    return {};
}

Result<datapath::DatapathHandlesPtr> load_new(const datapath::Pins &pins, std::uint32_t capacity,
                                              const std::vector<std::uint8_t> &seed) {
    const auto settings = new_settings(capacity);
    GLB_ASSIGN(auto handles, datapath::load(settings, pins));
    GLB_TRY(datapath::ConfigWriter(handles).set_metadata(datapath::make_metadata(settings, seed)));
    return handles;
}

Result<datapath::DatapathHandlesPtr> load_pinned(const datapath::PinSet &set,
                                                 datapath::Attachments &attachments,
                                                 const datapath::ProgramFds &programs) {
    const auto settings = datapath::load_settings_from(*set.metadata, set.info.capacity);
    GLB_ASSIGN(auto handles, datapath::load(settings, set.pins));
    GLB_TRY(attachments.replace_program(handles->program(), programs));
    spdlog::info("took over the running data path: flow table capacity {}, {} interfaces", settings.capacity,
                 attachments.interfaces().size());
    return handles;
}

} // namespace

/// Two daemons with state folders of their own would take each other's maps and links for leftovers.
Status DatapathAdapter::lock() {
    if (lock_)
        return {};
    GLB_TRY(datapath::Pins::open(bpffs_)); // no folder is made on another file system
    auto locked = lock_folder(bpffs_);
    if (!locked) {
        locked.error().message += "; stop it, or start this daemon with another directory: --bpffs";
        return tl::unexpected(std::move(locked).error());
    }
    lock_ = std::move(*locked);
    return {};
}

Result<std::optional<control::FoundDatapath>> DatapathAdapter::inspect(std::uint32_t capacity) {
    GLB_ASSIGN(pins_, datapath::Pins::open(bpffs_));
    GLB_ASSIGN(discovered_sets_, datapath::find_pin_sets(bpffs_));
    std::vector<datapath::PinSetInfo> facts;
    for (const auto &set : discovered_sets_.sets)
        facts.push_back(set.info);
    takeover_ = datapath::plan_takeover(facts, GLB_SCHEMA, capacity);
    const auto running = takeover_.active ? takeover_.active : takeover_.source;
    if (!running)
        return std::nullopt;
    const auto &set = discovered_sets_.sets[*running];
    pins_ = set.pins;
    control::FoundDatapath found;
    found.seed = datapath::seed_of(*set.metadata);
    GLB_ASSIGN(found.config, datapath::read_pinned_config(set.pins));
    return found;
}

Status DatapathAdapter::load(std::uint32_t capacity, const std::vector<std::uint8_t> &seed) {
    GLB_ASSIGN(attachments_, datapath::Attachments::open(*pins_));
    for (const auto index : takeover_.discard) {
        spdlog::info("removing the unused maps {}", discovered_sets_.sets[index].pins.name());
        GLB_TRY(discovered_sets_.sets[index].pins.remove());
    }
    const bool is_found = takeover_.active || takeover_.source;
    if (takeover_.source) {
        GLB_TRY(TableMigrationAdapter::begin_upgrade(*this, capacity, seed));
    } else if (takeover_.active) {
        GLB_ASSIGN(const auto handles, load_pinned(discovered_sets_.sets[*takeover_.active], *attachments_,
                                                   discovered_sets_.programs));
        maps_.use(handles);
    } else {
        GLB_TRY(remove_leftovers(discovered_sets_, *attachments_));
        GLB_ASSIGN(pins_, datapath::Pins::make(bpffs_));
        attachments_->set_pins(*pins_);
        GLB_ASSIGN(const auto handles, load_new(*pins_, capacity, seed));
        maps_.use(handles);
    }
    discovered_sets_ = {};
    takeover_ = {};
    if (auto watched = datapath::RedirectTracepoints::attach(*maps_.handles))
        maps_.redirects = std::move(*watched);
    else
        spdlog::warn("redirect_failed does not count drops in the kernel: {}", watched.error().message);
    GLB_TRY(maps_.egress->clear_next_hops());
    GLB_TRY(maps_.config->raise_route_generation());
    return is_found ? maps_.egress->restore_egress() : Status{};
}

std::shared_ptr<control::FlowMigration> DatapathAdapter::migration() const {
    return upgrade_;
}

std::shared_ptr<control::FlowMigration> DatapathAdapter::resize(std::uint32_t capacity,
                                                                const std::vector<std::uint8_t> &seed) {
    const auto request = [&]() -> Result<TableMigrationAdapter::Request> {
        GLB_ASSIGN(const auto metadata, maps_.config->metadata());
        const auto settings = datapath::load_settings_from(metadata, capacity);
        datapath::PinSet source{*pins_, {GLB_SCHEMA, true, this->capacity(), 0, 0, 0}, metadata};
        return TableMigrationAdapter::Request{std::move(source), std::nullopt, settings,
                                              datapath::make_metadata(settings, seed)};
    };
    return std::make_shared<TableMigrationAdapter>(*this, request(), false);
}

Status DatapathAdapter::remove() {
    Status first;
    if (!pins_) {
        auto pins = datapath::Pins::open(bpffs_);
        if (pins)
            pins_ = std::move(*pins);
        else
            first = tl::unexpected(std::move(pins).error());
    }
    if (!attachments_ && pins_)
        if (auto left = datapath::Attachments::open(*pins_))
            attachments_ = std::move(*left);
    if (attachments_)
        for (const auto ifindex : attachments_->interfaces())
            record_failure(first, attachments_->detach(ifindex));
    maps_ = {};
    attachments_.reset();
    upgrade_.reset();
    if (pins_)
        record_failure(first, pins_->remove_all());
    return first;
}

void DatapathAdapter::release(bool keep_lock) {
    std::error_code ignored; // a folder that is a mount point or not empty stays
    std::filesystem::remove(bpffs_ / "guard", ignored);
    std::filesystem::remove(bpffs_, ignored);
    if (!keep_lock)
        lock_.reset();
}

Result<std::vector<datapath::StalePin>> DatapathAdapter::stale_pins() {
    return datapath::find_stale_pins(bpffs_, *pins_);
}

Result<std::vector<std::string>> DatapathAdapter::restore_pins() {
    GLB_ASSIGN(auto restored, datapath::restore_map_pins(*maps_.handles));
    GLB_ASSIGN(const auto tables, maps_.config->restore_table_pins());
    GLB_ASSIGN(const auto links, attachments_->restore_pins(maps_.handles->program()));
    restored.insert(restored.end(), tables.begin(), tables.end());
    restored.insert(restored.end(), links.begin(), links.end());
    return restored;
}

std::uint64_t DatapathAdapter::epoch() const {
    if (!maps_.handles)
        return 0;
    const auto control = datapath::CounterReader(maps_.handles).control();
    return control ? control->epoch : 0;
}

std::shared_ptr<health::TargetStatePort> DatapathAdapter::target_states() const {
    return maps_.handles ? std::make_shared<TargetStates>(maps_.handles) : nullptr;
}

std::map<unsigned, datapath::AttachMode> DatapathAdapter::attached() {
    std::map<unsigned, datapath::AttachMode> interfaces;
    if (attachments_)
        for (const auto ifindex : attachments_->interfaces())
            if (attachments_->is_attached(ifindex))
                interfaces[ifindex] = attachments_->mode(ifindex);
    return interfaces;
}

Status DatapathAdapter::attach(unsigned ifindex, const std::string &name, datapath::AttachMode mode) {
    const bool is_attached = attachments_->is_attached(ifindex);
    GLB_TRY(attachments_->attach(ifindex, name, mode, maps_.handles->program()));
    if (is_attached && maps_.devices.contains(ifindex))
        return {};
    GLB_TRY(maps_.egress->add_device(ifindex));
    maps_.devices.insert(ifindex);
    return {};
}

Status DatapathAdapter::set_index_name(std::uint32_t row, const std::string &name) {
    if (row >= GLB_INDEX_NAMES_TARGETS)
        GLB_TRY(maps_.config->forget_target(row - GLB_INDEX_NAMES_TARGETS));
    else if (row < GLB_INDEX_NAMES_GROUPS)
        GLB_TRY(maps_.config->forget_endpoint(row));
    return maps_.config->set_index_name(row, name);
}

Status DatapathAdapter::remove_maglev(std::uint32_t place) {
    GLB_ASSIGN(const auto fingerprint, maps_.config->maglev_fingerprint_at(place));
    return fingerprint ? maps_.config->remove_maglev(place) : Status{};
}

Status DatapathAdapter::activate(const plan::BankImage &image, bool new_epoch) {
    GLB_TRY(maps_.config->write_idle_bank(image));
    return maps_.config->flip(new_epoch);
}

Status DatapathAdapter::set_seed(const std::vector<std::uint8_t> &seed) {
    GLB_ASSIGN(auto metadata, maps_.config->metadata());
    datapath::set_seed(metadata, seed);
    return maps_.config->set_metadata(metadata);
}

std::map<datapath::NextHopKey, std::uint32_t> DatapathAdapter::next_hops() const {
    std::map<datapath::NextHopKey, std::uint32_t> rows;
    if (maps_.egress)
        for (const auto &[key, row] : maps_.egress->next_hops())
            rows.emplace(key, row.index);
    return rows;
}

} // namespace glb::adapters
