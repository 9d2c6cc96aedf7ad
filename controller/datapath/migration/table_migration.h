// TableMigration: moves the data path from one set of maps to another under traffic (docs/design/0006).
//
//   prepare   creates a new set and loads its program, which also looks up the older flow table; active maps
//             and links are not changed
//   copy      copies the flows in passes until few change; the older program is active
//   swap      updates the links in place, the tunnel's first; on an error all links get back their program
//   catch_up  copies what the older program wrote last
//   finish    updates the links again, to a program without the older table; removes the older set
//
// swap and finish return quickly; the others may run on another thread. A daemon that dies between any two
// steps leaves a state from which the next one continues, according to what the links use.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "controller/datapath/attachments.h"
#include "controller/datapath/loader.h"
#include "controller/datapath/mapped.h"
#include "controller/datapath/migration/flow_copy.h"
#include "controller/datapath/pin_sets.h"

namespace glb::datapath {

class TableMigration {
  public:
    /// The only writer of these maps in user space. The flow tables are those of the new set.
    static constexpr std::array maps = {Map::flows_hot, Map::flows_cold, Map::stamps};

    /// From the set `source` into a new one, or into `into` if an earlier daemon started the migration and
    /// links use it already. Key and magic of `settings` are those of the source. `metadata` is written to a
    /// new set, marked as not filled until copy() is done: a daemon that finds such a set discards it.
    [[nodiscard]] static Result<TableMigration> prepare(const std::filesystem::path &bpffs,
                                                        const PinSet &source, const std::optional<Pins> &into,
                                                        const LoadSettings &settings,
                                                        const glb_metadata &metadata);

    /// The program that also looks up the older table.
    [[nodiscard]] const DatapathHandlesPtr &transitional() const { return transitional_; }
    [[nodiscard]] const Pins &source() const { return source_; }
    [[nodiscard]] const Pins &into() const { return into_; }
    [[nodiscard]] bool is_swapped() const { return swapped_; }

    /// Expects every map of the new set but the flow table to be filled.
    [[nodiscard]] Status copy(const TargetTimeouts &timeouts, std::uint32_t now);
    [[nodiscard]] Status swap(Attachments &attachments, unsigned tunnel);
    /// After the swap: the last pass, and the final program. May be repeated after an error, which loses no
    /// flows.
    [[nodiscard]] Result<DatapathHandlesPtr> catch_up(const TargetTimeouts &timeouts, std::uint32_t now);
    /// Attaches the final program and removes the source.
    [[nodiscard]] Status finish(const DatapathHandles &final_program, Attachments &attachments,
                                unsigned tunnel);
    /// Before the swap, or after one that failed: removes what was prepared. The source stays active.
    [[nodiscard]] Status undo(Attachments &attachments);

    /// Sums of all passes.
    [[nodiscard]] const FlowCopy::Counts &counts() const { return counts_; }

  private:
    TableMigration(Pins source, Pins into) : source_(std::move(source)), into_(std::move(into)) {}
    [[nodiscard]] Status prepare(const PinSet &source, const LoadSettings &settings,
                                 const glb_metadata &metadata);
    [[nodiscard]] Status map_tables(std::uint32_t source_capacity);
    FlowCopy::Counts pass(FlowCopy &copy, std::uint32_t now, ActiveProgram active);

    Pins source_, into_;
    bool is_new_ = false; ///< `into_` was created by prepare()
    bool swapped_ = false;
    DatapathHandlesPtr transitional_;
    ProgramFds previous_programs_;
    Mapped<const glb_flow_hot> source_hot_;
    Mapped<const glb_flow_cold> source_cold_;
    Mapped<glb_flow_hot> into_hot_;
    Mapped<glb_flow_cold> into_cold_;
    FlowCopy::Counts counts_;
};

} // namespace glb::datapath
