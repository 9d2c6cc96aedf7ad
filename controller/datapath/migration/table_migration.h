// TableMigration: the change from one set of maps to another while traffic flows (docs/design/0006).
//
//   prepare   a new set, its program loaded with a look into the older flow table; nothing in force is
//   touched copy      the flows, again and again until little is left; the older program runs swap      the
//   links, in place, the tunnel's first; on an error all of them back catch_up  what the older program wrote
//   last let_go    the links again, to a program that knows one table only; the older set goes
//
// All but swap and let_go, which are done in a moment, may be called on a thread of their own.
// A daemon that dies between any two of these leaves what the next one can go on from, by what the links
// hold.
#pragma once

#include <memory>
#include <optional>

#include "controller/datapath/attachments.h"
#include "controller/datapath/migration/flow_copy.h"
#include "controller/datapath/pin_sets.h"
#include "controller/datapath/program.h"

namespace glb {

struct UnmapLines {
    std::size_t bytes = 0;
    void operator()(void *memory) const;
};

class TableMigration {
  public:
    /// From the set `source` into a new one of `settings` (key and magic are those of the source), or into
    /// `into` where an earlier daemon began it and links hold it already.
    [[nodiscard]] static Result<TableMigration> prepare(const std::filesystem::path &bpffs,
                                                        const datapath::PinSet &source,
                                                        const std::optional<datapath::Pins> &into,
                                                        const datapath::LoadSettings &settings);
    TableMigration(TableMigration &&) noexcept = default;
    TableMigration &operator=(TableMigration &&) noexcept = default;

    /// The program that looks into the older table too. To be taken once.
    [[nodiscard]] datapath::Program release_program() { return std::move(*program_); }
    [[nodiscard]] const datapath::Pins &source() const { return source_; }
    [[nodiscard]] const datapath::Pins &into() const { return into_; }
    [[nodiscard]] bool is_swapped() const { return swapped_; }

    /// `program` is the one that was taken; its maps are filled whole but for the flows.
    [[nodiscard]] Status copy(datapath::Program &program, const TargetTimeouts &timeouts, std::uint32_t now);
    [[nodiscard]] Status swap(datapath::Program &program, datapath::Attachments &attachments,
                              unsigned tunnel);
    /// After the swap: the last pass, and the program that is to be in force in the end. May be repeated
    /// after an error; the flows are safe meanwhile.
    [[nodiscard]] Result<datapath::Program> catch_up(datapath::Program &program,
                                                     const TargetTimeouts &timeouts, std::uint32_t now);
    /// The links to that program; then the source goes.
    [[nodiscard]] Status finish(datapath::Program &last, datapath::Attachments &attachments, unsigned tunnel);
    /// Before the swap, or after one that failed: removes what was prepared. The source stays in force.
    [[nodiscard]] Status undo(datapath::Attachments &attachments);

    /// Of all passes together.
    [[nodiscard]] const FlowCopy::Counts &counts() const { return counts_; }

  private:
    TableMigration(datapath::Pins source, datapath::Pins into)
        : source_(std::move(source)), into_(std::move(into)) {}
    [[nodiscard]] Status map_tables(const datapath::Program &program, std::uint32_t older_capacity);
    FlowCopy::Counts pass(FlowCopy &copy, std::uint32_t now, ActiveProgram in_force);

    template <typename Line>
    using Mapped = std::unique_ptr<Line[], UnmapLines>;
    template <typename Line>
    static Result<Mapped<Line>> map_lines(int fd, std::uint32_t capacity, bool writable);

    datapath::Pins source_, into_;
    bool is_new_ = false; ///< `into_` was made here
    bool swapped_ = false;
    datapath::LoadSettings settings_;
    std::optional<datapath::Program> program_;
    datapath::ProgramFds former_;
    Mapped<glb_flow_hot> older_hot_, newer_hot_;
    Mapped<glb_flow_cold> older_cold_, newer_cold_;
    OlderTable older_;
    NewerTable newer_;
    FlowCopy::Counts counts_;
};

} // namespace glb
