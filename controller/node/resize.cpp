// LocalNode: the running flow table to another size. What takes long runs on a thread of its own, and works
// on nothing but its own ResizeJob; the loop takes the two moments in which the links change.
#include <boost/asio/post.hpp>

#include "controller/node/node.h"
#include "controller/util/log.h"

namespace glb {

namespace {

constexpr std::chrono::seconds resize_pause{30};

} // namespace

/// A stage on the thread; then, on the loop, what follows it.
void LocalNode::resize_stage(std::function<Status(ResizeJob &)> stage, void (LocalNode::*then)()) {
    auto *const resize = resize_.get();
    resize->work = std::async(std::launch::async, [this, resize, stage = std::move(stage), then] {
        resize->done = stage(*resize);
        boost::asio::post(loop_, [this, resize, then] {
            if (stopped_ || resize_.get() != resize)
                return;
            resize->work.get();
            (this->*then)();
        });
    });
}

/// All maps but the flow table's are used by both: the configuration goes on changing meanwhile.
Status LocalNode::begin_resize(std::uint32_t capacity) {
    if (resize_ || Clock::now() < move_again_)
        return {};
    GLB_ASSIGN(auto kept, program_->config.metadata());
    const datapath::PinSet source{*pins_, {GLB_SCHEMA, true, capacity_, 0, 0, 0}, kept};
    const auto settings = datapath::load_settings_from(kept, capacity);
    resize_ = std::make_unique<ResizeJob>();
    resize_->capacity = capacity;
    spdlog::info("the flow table moves from {} to {} entries", capacity_, capacity);
    resize_stage(
        [source, settings, metadata = datapath::make_metadata(settings, seed_), limits = timeouts(),
         bpffs = settings_.bpffs](ResizeJob &resize) -> Status {
            GLB_ASSIGN(resize.move,
                       datapath::TableMigration::prepare(bpffs, source, std::nullopt, settings, metadata));
            return resize.move->copy(limits, tick_now());
        },
        &LocalNode::swap_resize);
    return {};
}

void LocalNode::swap_resize() {
    auto &resize = *resize_;
    if (resize.done)
        resize.done = resize.move->swap(*attachments_, tunnel_link(*manifest_));
    if (resize.done)
        return catch_up_resize();
    spdlog::error("the flow table stays at {} entries: {}", capacity_, resize.done.error().message);
    if (resize.move)
        if (const auto undone = resize.move->undo(*attachments_); !undone)
            spdlog::error("{}", undone.error().message);
    resize_.reset();
    move_again_ = Clock::now() + resize_pause;
}

void LocalNode::catch_up_resize() {
    resize_stage(
        [limits = timeouts()](ResizeJob &resize) -> Status {
            GLB_ASSIGN(resize.last, resize.move->catch_up(limits, tick_now()));
            return {};
        },
        &LocalNode::end_resize);
}

void LocalNode::end_resize() {
    auto &resize = *resize_;
    if (resize.done)
        resize.done = resize.move->finish(*resize.last, *attachments_, tunnel_link(*manifest_));
    if (!resize.done) {
        spdlog::error("the flows are in the new table, but the old one cannot be let go yet: {}",
                      resize.done.error().message);
        resize.stalled = true;
        return;
    }
    datapath::DatapathHandlesPtr before;
    use_program(resize.last, &before);
    pins_ = resize.move->into();
    log_migration_result(*resize.move, capacity_);
    // Gigabytes that are unmapped hold whoever does it: not the loop.
    cleaning_ = std::async(std::launch::async,
                           [before, resize = std::shared_ptr<ResizeJob>(std::move(resize_))]() mutable {
                               before.reset();
                               resize.reset();
                           });
}

/// Once a second: a size that is wanted and not there; a last step that failed.
void LocalNode::check_resize() {
    if (resize_ && resize_->stalled) {
        resize_->stalled = false;
        return catch_up_resize();
    }
    if (!program_ || !manifest_ || move_)
        return;
    const auto wanted = datapath::round_capacity(manifest_->node.flow_table_capacity);
    if (wanted != capacity_)
        if (const auto done = begin_resize(wanted); !done)
            spdlog::error("the flow table stays at {} entries: {}", capacity_, done.error().message);
}

/// Waits for the thread. Everything goes: nothing is put back.
void LocalNode::drop_resize() {
    if (resize_ && resize_->work.valid())
        resize_->work.wait();
    resize_.reset();
    if (cleaning_.valid())
        cleaning_.wait();
}

} // namespace glb
