#include "controller/adapters/table_migration_adapter.h"

#include "controller/datapath/metadata.h"
#include "controller/util/log.h"

namespace glb::adapters {

Status TableMigrationAdapter::prepare() {
    if (!request_)
        return tl::unexpected(request_.error());
    GLB_ASSIGN(migration_, datapath::TableMigration::prepare(owner_.bpffs_, request_->source, request_->into,
                                                             request_->settings, request_->metadata));
    return {};
}

Status TableMigrationAdapter::swap(unsigned tunnel) {
    GLB_TRY(migration_->swap(*owner_.attachments_, tunnel));
    if (is_upgrade_)
        owner_.pins_ = migration_->into();
    return {};
}

Status TableMigrationAdapter::catch_up(const datapath::TargetTimeouts &timeouts, std::uint32_t now) {
    GLB_ASSIGN(final_, migration_->catch_up(timeouts, now));
    return {};
}

Status TableMigrationAdapter::finish(unsigned tunnel) {
    GLB_TRY(migration_->finish(*final_, *owner_.attachments_, tunnel));
    owner_.maps_.use(final_);
    owner_.pins_ = migration_->into();
    if (is_upgrade_)
        owner_.upgrade_.reset();
    return {};
}

/// The data path of an upgrade is the one that is being prepared: without it nothing is loaded.
Status TableMigrationAdapter::undo() {
    if (!migration_)
        return {};
    auto undone = migration_->undo(*owner_.attachments_);
    if (!is_upgrade_)
        return undone;
    owner_.pins_ = migration_->source();
    owner_.maps_ = {};
    owner_.attachments_.reset();
    owner_.upgrade_.reset();
    return undone;
}

std::string TableMigrationAdapter::source() const {
    return request_ ? request_->source.pins.name() : "";
}

std::string TableMigrationAdapter::summary() const {
    const auto &counts = migration_->counts();
    const auto without_entry = counts.no_place + counts.evicted;
    return fmt::format(
        "flow table: {} flows migrated from {} to {} ({} entries){}", counts.copied,
        migration_->source().name(), migration_->into().name(), request_->settings.capacity,
        without_entry ? fmt::format("; {} found no free entry and are steered by their hash", without_entry)
                      : std::string());
}

Status TableMigrationAdapter::begin_upgrade(DatapathAdapter &owner, std::uint32_t capacity,
                                            const std::vector<std::uint8_t> &seed) {
    const auto &source = owner.discovered_sets_.sets[*owner.takeover_.source];
    std::optional<datapath::Pins> into;
    if (owner.takeover_.active)
        into = owner.discovered_sets_.sets[*owner.takeover_.active].pins;
    spdlog::info("taking over the flows of {}: flow table capacity {}, schema {}, {} interfaces",
                 source.pins.name(), source.info.capacity, source.info.schema, source.info.interfaces);
    const auto settings = datapath::load_settings_from(*source.metadata, capacity);
    const auto upgrade = std::make_shared<TableMigrationAdapter>(
        owner,
        TableMigrationAdapter::Request{source, into, settings, datapath::make_metadata(settings, seed)},
        true);
    if (const auto prepared = upgrade->prepare(); !prepared)
        return fail("the upgrade failed, and the data path of {} stays active: {}", source.pins.name(),
                    prepared.error().message);
    owner.upgrade_ = upgrade;
    owner.attachments_->set_pins(upgrade->table_migration().into());
    owner.maps_.use(upgrade->table_migration().transitional());
    return {};
}

} // namespace glb::adapters
