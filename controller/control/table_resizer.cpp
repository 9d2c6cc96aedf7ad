#include "controller/control/table_resizer.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/control/migrate.h"
#include "controller/observe/flow_timeouts.h"
#include "controller/util/log.h"

namespace glb::control {

namespace {

constexpr std::chrono::seconds pause_after_failure{30};
constexpr std::chrono::seconds pause_of_finish{1};

} // namespace

TableResizer::TableResizer(boost::asio::any_io_executor executor, const Ports &ports, NodeState &state,
                           Turn &turn, Worker &background, std::function<void()> on_finished)
    : executor_(std::move(executor)), ports_(ports), state_(state), turn_(turn), background_(background),
      on_finished_(std::move(on_finished)) {}

std::optional<std::uint32_t> TableResizer::target() const {
    return job_ ? std::optional(job_->capacity) : std::nullopt;
}

void TableResizer::check(bool now) {
    if (now)
        again_.reset();
    const auto &manifest = state_.desired.manifest;
    if (job_ || !manifest || !ports_.datapath.is_loaded() || ports_.datapath.migration() ||
        state_.datapath_is_replaced || (again_ && ports_.clock.now() < *again_))
        return;
    const auto wanted = datapath::round_capacity(manifest->node.flow_table_capacity);
    if (wanted == ports_.datapath.capacity())
        return;
    spdlog::info("flow table: resizing from {} to {} entries", ports_.datapath.capacity(), wanted);
    job_ = std::make_shared<Job>(Job{wanted, ports_.datapath.resize(wanted, state_.desired.seed), false});
    boost::asio::co_spawn(executor_, run(job_), rethrow);
}

unsigned TableResizer::tunnel() const {
    const auto *link =
        state_.desired.manifest
            ? state_.installed.network.link(state_.desired.manifest->node.tunnel.interface.name)
            : nullptr;
    return link ? link->index : 0;
}

Task<Status> TableResizer::prepare_and_migrate(std::shared_ptr<Job> job, bool prepare) {
    const MigrationEnvironment environment{
        background_,
        [this] {
            const auto &manifest = state_.desired.manifest;
            return manifest ? observe::target_timeouts(*manifest, *ports_.health.snapshot())
                            : datapath::TargetTimeouts{};
        },
        [this] { return ports_.clock.ticks(); }, [this] { return tunnel(); },
        [this, job]() -> Task<Result<Turn::Hold>> {
            auto hold = co_await turn_.take();
            if (job->abandoned)
                co_return fail("abandoned");
            co_return hold;
        }};
    if (prepare)
        GLB_CO_TRY(co_await background_.run([&] { return job->migration->prepare(); }));
    auto done = co_await migrate(*job->migration, environment);
    co_return done;
}

Task<void> TableResizer::run(std::shared_ptr<Job> job) {
    auto done = co_await prepare_and_migrate(job, true);
    while (!done && !job->abandoned && job->migration->is_swapped()) {
        spdlog::error("flow table: the flows are in the new table, but the old one cannot be removed yet: {}",
                      done.error().message);
        boost::asio::steady_timer timer(executor_, pause_of_finish);
        co_await timer.async_wait(boost::asio::use_awaitable);
        done = co_await prepare_and_migrate(job, false);
    }
    if (job->abandoned)
        co_return;
    if (!done) {
        co_await undo(job, done.error());
        co_return;
    }
    ++state_.configuration;
    spdlog::info("{}", job->migration->summary());
    ports_.health.attach(ports_.datapath.target_states());
    state_.installed.health.reset();
    job_.reset();
    on_finished_();
    // Unmapping gigabytes takes long.
    co_await background_.run([&job] { job.reset(); });
}

Task<void> TableResizer::undo(std::shared_ptr<Job> job, const Error &error) {
    const auto turn = co_await turn_.take();
    if (job->abandoned)
        co_return;
    spdlog::error("flow table: resize failed, will retry in {} s, capacity remains {} entries: {}",
                  pause_after_failure.count(), ports_.datapath.capacity(), error.message);
    if (const auto undone = job->migration->undo(); !undone)
        spdlog::error("flow table: {}", undone.error().message);
    again_ = ports_.clock.now() + pause_after_failure;
    job_.reset();
}

Task<void> TableResizer::abandon() {
    again_.reset();
    if (!job_)
        co_return;
    job_->abandoned = true;
    job_.reset();
    co_await background_.run([] {}); // after the current step
}

} // namespace glb::control
