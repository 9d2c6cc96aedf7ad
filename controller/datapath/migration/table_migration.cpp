#include "controller/datapath/migration/table_migration.h"

#include <cerrno>
#include <memory>

#include <sys/mman.h>

#include <bpf/bpf.h>

#include "controller/datapath/migration/map_transfer.h"

namespace glb {

using namespace datapath;

namespace {

constexpr int most_passes = 4;
constexpr std::uint64_t few = 256; ///< flows; that many changed in one pass: the next would find no fewer

Result<Fd> open_pin(const std::filesystem::path &path) {
    Fd fd(bpf_obj_get(path.c_str()));
    if (!fd)
        return fail_errno(errno, "cannot open the pin {}", path.string());
    return fd;
}

void add(FlowCopy::Counts &sum, const FlowCopy::Counts &part) {
    sum.entered += part.entered;
    sum.freshened += part.freshened;
    sum.no_place += part.no_place;
    sum.left += part.left;
}

} // namespace

void UnmapLines::operator()(void *memory) const {
    ::munmap(memory, bytes);
}

template <typename Line>
Result<TableMigration::Mapped<Line>> TableMigration::map_lines(int fd, std::uint32_t capacity,
                                                               bool writable) {
    const std::size_t bytes = sizeof(Line) * std::size_t{capacity};
    void *memory = ::mmap(nullptr, bytes, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return fail_errno(errno, "cannot map {} entries of the flow table", capacity);
    return Mapped<Line>(static_cast<Line *>(memory), UnmapLines{bytes});
}

Status TableMigration::map_tables(const Program &program, std::uint32_t older_capacity) {
    GLB_ASSIGN(const auto hot, open_pin(source_.map("glb_flows_hot")));
    GLB_ASSIGN(const auto cold, open_pin(source_.map("glb_flows_cold")));
    GLB_ASSIGN(older_hot_, map_lines<glb_flow_hot>(hot.get(), older_capacity, false));
    GLB_ASSIGN(older_cold_, map_lines<glb_flow_cold>(cold.get(), older_capacity, false));
    GLB_ASSIGN(newer_hot_,
               map_lines<glb_flow_hot>(program.map_fd("glb_flows_hot"), settings_.capacity, true));
    GLB_ASSIGN(newer_cold_,
               map_lines<glb_flow_cold>(program.map_fd("glb_flows_cold"), settings_.capacity, true));
    older_ = {older_hot_.get(), older_cold_.get(), older_capacity};
    newer_ = {newer_hot_.get(), newer_cold_.get(), settings_.capacity};
    return {};
}

Result<TableMigration> TableMigration::prepare(const std::filesystem::path &bpffs, const PinSet &source,
                                               const std::optional<Pins> &into,
                                               const LoadSettings &settings) {
    GLB_ASSIGN(auto target, into ? Result<Pins>(*into) : Pins::make(bpffs));
    TableMigration move(source.pins, std::move(target));
    move.is_new_ = !into;
    move.settings_ = settings;
    const auto make = [&]() -> Status {
        if (move.is_new_)
            GLB_TRY(share_maps(move.source_, move.into_));
        GLB_ASSIGN(const auto table, open_pin(move.source_.map("glb_flows_hot")));
        GLB_ASSIGN(move.program_,
                   Program::load(settings, move.into_, MigrationSource{table.get(), source.kept->shape}));
        if (move.is_new_)
            GLB_TRY(carry_rows(move.source_, move.into_, *move.program_));
        return move.map_tables(*move.program_, source.facts.capacity);
    };
    if (auto made = make(); !made) {
        if (move.is_new_)
            (void)move.into_.remove();
        return tl::unexpected(std::move(made).error());
    }
    return move;
}

FlowCopy::Counts TableMigration::pass(FlowCopy &copy, std::uint32_t now, ActiveProgram in_force) {
    const auto counts = copy.pass(now, in_force);
    add(counts_, counts);
    return counts;
}

Status TableMigration::copy(Program &program, const TargetTimeouts &timeouts, std::uint32_t now) {
    FlowCopy copy(older_, newer_, timeouts);
    for (int i = 0; i < most_passes; ++i)
        if (const auto counts = pass(copy, now, ActiveProgram::older);
            counts.entered + counts.freshened < few)
            break;
    return program.stamp(copy.stamps(), now);
}

Status TableMigration::swap(Program &program, Attachments &attachments, unsigned tunnel) {
    former_ = source_.programs();
    former_.merge(into_.programs());
    if (is_new_)
        GLB_TRY(carry_counts(source_, into_, program));
    attachments.use(into_);
    GLB_TRY(attachments.replace_program(program.fd(), former_, tunnel, true));
    swapped_ = true;
    return {};
}

Result<Program> TableMigration::catch_up(Program &program, const TargetTimeouts &timeouts,
                                         std::uint32_t now) {
    GLB_TRY(program.wait_for_packets()); // of the older program none is under way any more
    FlowCopy copy(older_, newer_, timeouts);
    (void)pass(copy, now, ActiveProgram::newer);
    GLB_TRY(program.stamp(copy.stamps(), now));
    return Program::load(settings_, into_);
}

Status TableMigration::finish(Program &last, Attachments &attachments, unsigned tunnel) {
    former_ = into_.programs();
    GLB_TRY(attachments.replace_program(last.fd(), former_, tunnel, true));
    former_.clear();
    return source_.remove();
}

Status TableMigration::undo(Attachments &attachments) {
    attachments.use(source_);
    former_.clear();
    return is_new_ ? into_.remove() : Status{};
}

} // namespace glb
