#include "controller/datapath/migration/table_migration.h"

#include <cerrno>
#include <utility>
#include <vector>

#include <bpf/bpf.h>

#include "controller/datapath/config_writer.h"
#include "controller/datapath/grace_period.h"
#include "controller/datapath/map_io.h"
#include "controller/datapath/migration/map_transfer.h"

namespace glb::datapath {

namespace {

constexpr int max_passes = 4;
constexpr std::uint64_t few = 256; ///< flows that changed during a pass: another pass would not find fewer

void add(FlowCopy::Counts &sum, const FlowCopy::Counts &part) {
    sum.copied += part.copied;
    sum.updated += part.updated;
    sum.no_place += part.no_place;
    sum.evicted += part.evicted;
}

/// Enters tags in the filter of untracked flows at tick `now`; bit i of `places` is its place i.
Status write_stamps(const DatapathHandles &handles, const std::vector<bool> &places, std::uint32_t now) {
    const auto map = writable<TableMigration, Map::stamps>(handles);
    const auto seconds = static_cast<std::uint16_t>(now / GLB_TICKS_PER_SECOND) | 1; // as glb_stamp_seconds()
    for (std::uint32_t word = 0; word < GLB_STAMP_WORDS && word * 4 < places.size(); ++word) {
        if (!places[word * 4] && !places[word * 4 + 1] && !places[word * 4 + 2] && !places[word * 4 + 3])
            continue;
        GLB_ASSIGN(auto row, read_row<std::uint64_t>(map, word));
        for (unsigned i = 0; i < 4; ++i)
            if (places[word * 4 + i])
                row = (row & ~(std::uint64_t{0xffff} << 16 * i)) | static_cast<std::uint64_t>(seconds)
                                                                       << 16 * i;
        GLB_TRY(update_row(map, word, &row));
    }
    return {};
}

Status write_metadata(const DatapathHandlesPtr &handles, glb_metadata metadata, bool filled) {
    metadata.schema = filled ? GLB_SCHEMA : 0;
    return ConfigWriter(handles).set_metadata(metadata);
}

} // namespace

Result<TableMigration> TableMigration::prepare(const std::filesystem::path &bpffs, const PinSet &source,
                                               const std::optional<Pins> &into, const LoadSettings &settings,
                                               const glb_metadata &metadata) {
    GLB_ASSIGN(auto target, into ? Result<Pins>(*into) : Pins::make(bpffs));
    TableMigration migration(source.pins, std::move(target));
    migration.is_new_ = !into;
    if (auto prepared = migration.prepare(source, settings, metadata); !prepared) {
        if (migration.is_new_)
            (void)migration.into_.remove();
        return tl::unexpected(std::move(prepared).error());
    }
    return migration;
}

Status TableMigration::prepare(const PinSet &source, const LoadSettings &settings,
                               const glb_metadata &metadata) {
    if (is_new_)
        GLB_TRY(share_maps(source_, into_));
    GLB_ASSIGN(const auto table, open_pin(source_.map(Map::flows_hot)));
    GLB_ASSIGN(transitional_, load(settings, into_, MigrationSource{table.get(), source.metadata->shape}));
    if (is_new_) {
        GLB_TRY(transfer_config(source_, *transitional_));
        GLB_TRY(write_metadata(transitional_, metadata, false));
    }
    return map_tables(source.info.capacity);
}

Status TableMigration::map_tables(std::uint32_t source_capacity) {
    GLB_ASSIGN(const auto hot, open_pin(source_.map(Map::flows_hot)));
    GLB_ASSIGN(const auto cold, open_pin(source_.map(Map::flows_cold)));
    const auto into_hot = writable<TableMigration, Map::flows_hot>(*transitional_);
    const auto into_cold = writable<TableMigration, Map::flows_cold>(*transitional_);
    const auto capacity = transitional_->capacity();
    GLB_ASSIGN(source_hot_,
               Mapped<const glb_flow_hot>::map(hot.get(), source_capacity, "the older glb_flows_hot"));
    GLB_ASSIGN(source_cold_,
               Mapped<const glb_flow_cold>::map(cold.get(), source_capacity, "the older glb_flows_cold"));
    GLB_ASSIGN(into_hot_, Mapped<glb_flow_hot>::map(into_hot.fd, capacity, into_hot.name));
    GLB_ASSIGN(into_cold_, Mapped<glb_flow_cold>::map(into_cold.fd, capacity, into_cold.name));
    return {};
}

FlowCopy::Counts TableMigration::pass(FlowCopy &copy, std::uint32_t now, ActiveProgram active) {
    const auto counts = copy.pass(now, active);
    add(counts_, counts);
    return counts;
}

Status TableMigration::copy(const TargetTimeouts &timeouts, std::uint32_t now) {
    FlowCopy copy({source_hot_.rows(), source_cold_.rows()}, {into_hot_.rows(), into_cold_.rows()}, timeouts);
    const auto active = is_new_ ? ActiveProgram::older : ActiveProgram::newer;
    for (int i = 0; i < max_passes; ++i)
        if (const auto counts = pass(copy, now, active); counts.copied + counts.updated < few)
            break;
    GLB_TRY(write_stamps(*transitional_, copy.stamps(), now));
    GLB_ASSIGN(const auto metadata, ConfigWriter(transitional_).metadata());
    return write_metadata(transitional_, metadata, true);
}

Status TableMigration::swap(Attachments &attachments, unsigned tunnel) {
    GLB_ASSIGN(previous_programs_, source_.programs());
    GLB_ASSIGN(auto present, into_.programs());
    previous_programs_.merge(present);
    if (is_new_)
        GLB_TRY(transfer_counters(source_, *transitional_));
    attachments.set_pins(into_);
    GLB_TRY(attachments.replace_program(transitional_->program(), previous_programs_, tunnel, true));
    swapped_ = true;
    return {};
}

Result<DatapathHandlesPtr> TableMigration::catch_up(const TargetTimeouts &timeouts, std::uint32_t now) {
    GLB_TRY(wait_for_grace_period()); // after it the older program writes no more
    FlowCopy copy({source_hot_.rows(), source_cold_.rows()}, {into_hot_.rows(), into_cold_.rows()}, timeouts);
    (void)pass(copy, now, ActiveProgram::newer);
    GLB_TRY(write_stamps(*transitional_, copy.stamps(), now));
    return load(transitional_->settings(), into_);
}

Status TableMigration::finish(const DatapathHandles &final_program, Attachments &attachments,
                              unsigned tunnel) {
    GLB_ASSIGN(previous_programs_, into_.programs());
    GLB_TRY(attachments.replace_program(final_program.program(), previous_programs_, tunnel, true));
    previous_programs_.clear();
    return source_.remove();
}

Status TableMigration::undo(Attachments &attachments) {
    attachments.set_pins(source_);
    if (is_new_) {
        // A link whose update could not be reverted has a program of the new set, which must not lose its pins.
        GLB_ASSIGN(const auto into_programs, into_.programs());
        if (attachments.uses(into_programs)) {
            GLB_ASSIGN(const auto programs, source_.programs());
            if (programs.empty())
                return fail("interfaces use the new maps {}, and the older program is not pinned any more",
                            into_.name());
            GLB_TRY(attachments.replace_program(programs.begin()->second.get(), into_programs, 0, true));
        }
    }
    previous_programs_.clear();
    return is_new_ ? into_.remove() : Status{};
}

} // namespace glb::datapath
