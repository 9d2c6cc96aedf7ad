// ControlLoop: the commands.
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "controller/control/control_loop.h"
#include "controller/control/host_conditions.h"
#include "controller/util/log.h"

namespace glb::control {

template <typename T, typename Command>
void ControlLoop::execute(Command command, Done<T> done) {
    boost::asio::co_spawn(
        context_,
        [this, command = std::move(command), done = std::move(done)]() mutable -> Task<void> {
            const auto turn = co_await roles_.turn.take();
            auto result = co_await command();
            report_state_conditions(state_, ports_);
            publish();
            done(std::move(result));
        },
        rethrow);
}

void ControlLoop::apply(std::string text, ApplyOptions options, Done<ApplyResult> done) {
    execute<ApplyResult>([this, text = std::move(text),
                          options = std::move(options)] { return roles_.changes.apply(text, options); },
                         std::move(done));
}

void ControlLoop::rollback(unsigned back, ApplyOptions options, Done<ApplyResult> done) {
    execute<ApplyResult>(
        [this, back, options = std::move(options)] { return roles_.changes.rollback(back, options); },
        std::move(done));
}

void ControlLoop::confirm(PeerCredentials peer, Done<void> done) {
    execute<void>([this, peer] { return roles_.changes.confirm(peer); }, std::move(done));
}

void ControlLoop::drain(DrainRequest request, Done<documents::Drain> done) {
    execute<documents::Drain>(
        [this, request = std::move(request)] { return roles_.overrides.drain(request); }, std::move(done));
}

void ControlLoop::bypass(BypassRequest request, Done<documents::Bypass> done) {
    execute<documents::Bypass>(
        [this, request = std::move(request)] { return roles_.overrides.bypass(request); }, std::move(done));
}

void ControlLoop::down(DownOptions options, Done<documents::Down> done) {
    execute<documents::Down>([this, options] { return roles_.changes.down(options); }, std::move(done));
}

void ControlLoop::collect_garbage(bool dry_run, PeerCredentials peer,
                                  Done<documents::GarbageCollection> done) {
    const auto collect = [this, dry_run, peer]() -> Result<documents::GarbageCollection> {
        documents::GarbageCollection document{!dry_run, {}};
        GLB_ASSIGN(const auto owner, ports_.guard.collect(dry_run));
        if (owner) {
            if (!dry_run)
                spdlog::warn("removed the guard of {}, requested by {}", *owner, to_string(peer));
            document.leftovers.push_back({"guard", *owner});
        }
        if (owner && !ports_.datapath.is_loaded())
            return document; // no manifest could be applied beside that guard
        if (!ports_.datapath.is_loaded())
            return tl::unexpected(Error{
                "gc needs an active manifest, to know which pins are in use: apply one first, or remove "
                "everything with glbctl down --yes",
                EAGAIN});
        if (ports_.datapath.migration() || roles_.resizer.target())
            return tl::unexpected(Error{
                "flows are being migrated: try again when glbctl status shows the new capacity", EAGAIN});
        GLB_ASSIGN(const auto stale, ports_.datapath.stale_pins());
        for (const auto &pin : stale) {
            if (!dry_run) {
                GLB_TRY(pin.remove());
                spdlog::info("removed unused {}, requested by {}", pin.pin, to_string(peer));
            }
            document.leftovers.push_back({pin.kind, pin.pin});
        }
        return document;
    };
    execute<documents::GarbageCollection>(
        [collect]() -> Task<Result<documents::GarbageCollection>> { co_return collect(); }, std::move(done));
}

} // namespace glb::control
