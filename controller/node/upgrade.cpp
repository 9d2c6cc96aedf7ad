// LocalNode: flows on their way to the table of another version, or of another size, when the daemon starts.
#include <algorithm>

#include "controller/node/node.h"
#include "controller/util/log.h"

namespace glb {

namespace {

constexpr std::chrono::seconds upgrade_pause{
    30}; // a program that did not load will hardly load a second later

} // namespace

void log_migration_result(const datapath::TableMigration &move, std::uint32_t capacity) {
    const auto &counts = move.counts();
    const auto homeless = counts.no_place + counts.evicted;
    spdlog::info("moved {} flows from {} to {} ({} entries){}", counts.copied, move.source().name(),
                 move.into().name(), capacity,
                 homeless ? fmt::format("; {} found no place and go on by their hash", homeless)
                          : std::string());
}

/// The interface whose link changes first: 0 where it is not there.
unsigned LocalNode::tunnel_link(const Manifest &manifest) const {
    const auto *link = snapshot_.link(manifest.node.tunnel.interface.name);
    return link ? link->index : 0;
}

/// From another version's maps, or from those of another size that a daemon before left. The links keep their
/// program until finish_move().
Status LocalNode::begin_upgrade(std::uint32_t capacity) {
    if (Clock::now() < move_again_)
        return fail("{}", move_failure_);
    const auto &source = found_.sets[*plan_.source];
    std::optional<datapath::Pins> into;
    if (plan_.active)
        into = found_.sets[*plan_.active].pins;
    spdlog::info("taking over the flows of {}: {} entries of schema {}, {} interfaces", source.pins.name(),
                 source.info.capacity, source.info.schema, source.info.interfaces);
    const auto settings = datapath::load_settings_from(*source.metadata, capacity);
    auto move = datapath::TableMigration::prepare(settings_.bpffs, source, into, settings,
                                                  datapath::make_metadata(settings, seed_));
    if (!move) {
        move_failure_ = fmt::format("the upgrade failed, and the data path of {} stays in force: {}",
                                    source.pins.name(), move.error().message);
        move_again_ = Clock::now() + upgrade_pause;
        return fail("{}", move_failure_);
    }
    GLB_ASSIGN(written_.names, move->into().index_names());
    move_ = std::move(*move);
    attachments_->set_pins(move_->into());
    use_program(move_->transitional());
    return {};
}

Status LocalNode::finish_move(const Manifest &manifest) {
    if (!move_)
        return {};
    const auto tunnel = tunnel_link(manifest);
    const auto move = [&]() -> Status {
        if (!move_->is_swapped()) {
            GLB_TRY(move_->copy(timeouts(), tick_now()));
            GLB_TRY(move_->swap(*attachments_, tunnel));
            pins_ = move_->into();
        }
        GLB_ASSIGN(const auto last, move_->catch_up(timeouts(), tick_now()));
        GLB_TRY(move_->finish(*last, *attachments_, tunnel));
        use_program(last);
        return {};
    };
    if (auto done = move(); !done) {
        if (move_->is_swapped())
            return fail("the flows are in the new table, but the old one cannot be let go yet: {}",
                        done.error().message);
        done.error().message = fmt::format("the data path of {} stays in force: {}", move_->source().name(),
                                           done.error().message);
        spdlog::error("{}", done.error().message);
        move_failure_ = done.error().message;
        move_again_ = Clock::now() + upgrade_pause;
        GLB_TRY(undo_move());
        return done;
    }
    log_migration_result(*move_, capacity_);
    move_.reset();
    return {};
}

/// What was prepared goes; a move whose links are swapped already is only ever finished.
Status LocalNode::undo_move() {
    if (!move_ || move_->is_swapped())
        return {};
    const auto undone = move_->undo(*attachments_);
    pins_ = move_->source();
    move_.reset();
    census_.reset();
    release_program();
    attachments_.reset();
    return undone;
}

} // namespace glb
