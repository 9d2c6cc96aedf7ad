#include "controller/control/operator_overrides.h"

#include <algorithm>
#include <span>

#include "controller/control/persisted_targets.h"
#include "controller/control/reconciler.h"
#include "controller/observe/bypass_reason.h"
#include "controller/observe/flow_scan.h"
#include "controller/observe/flow_timeouts.h"
#include "controller/util/log.h"
#include "controller/util/monotonic_time.h"

namespace glb::control {

Task<Status> OperatorOverrides::change_drain(const std::string &name, const DrainRequest &request) {
    GLB_CO_ASSIGN(const auto before, request.drain ? ports_.health.drain(name, request.force, std::nullopt)
                                                   : ports_.health.undrain(name));
    const auto drains = drains_to_json(ports_.health.snapshot()->persisted);
    auto persisted = co_await worker_.run([&] { return persist(ports_.state, "drains", drains); });
    if (persisted)
        co_return persisted;
    if (request.drain && !before)
        (void)ports_.health.undrain(name);
    else if (!request.drain && before)
        (void)ports_.health.drain(name, true, *before);
    co_return persisted;
}

Task<Result<documents::Drain>> OperatorOverrides::drain(DrainRequest request) {
    const auto name = plan::target_name(request.group, request.target);
    GLB_CO_TRY(co_await change_drain(name, request));
    const auto epoch = ports_.datapath.epoch();
    spdlog::info("target {}: {}, {}", name, request.drain ? "drain started" : "drain cancelled",
                 change_text(epoch, epoch, request.peer));
    const auto live = ports_.health.snapshot();
    const auto *target = live->find(name);
    const auto until = target ? target->operator_drain_until : std::nullopt;
    std::uint64_t flows = 0;
    if (const auto handles = ports_.datapath.handles(); handles && target && state_.desired.manifest) {
        const auto timeouts = observe::target_timeouts(*state_.desired.manifest, *live);
        const auto counted = co_await background_.run(
            [&] { return observe::count_flows(handles->flow_table(), timeouts, ports_.clock.ticks()); });
        flows = counted.by_target[target->target.index];
    }
    documents::Drain document{request.group, request.target, until.has_value(), flows, std::nullopt};
    if (until)
        document.seconds_left = seconds_until(*until, ports_.clock.now());
    co_return document;
}

void OperatorOverrides::log_bypass(const BypassRequest &request,
                                   const std::optional<std::string> &reason) const {
    const auto epoch = ports_.datapath.epoch();
    const auto change = change_text(epoch, epoch, request.peer);
    if (!request.off)
        spdlog::warn("endpoint {}: BYPASSED, forwarded uninspected {}, {}", request.endpoint,
                     request.duration ? fmt::format("for {} s", request.duration->count())
                                      : "until the bypass is ended",
                     change);
    else if (reason)
        spdlog::warn("endpoint {}: the operator's bypass has ended, but {} still bypasses it, {}",
                     request.endpoint, *reason, change);
    else
        spdlog::warn("endpoint {}: inspected again, {}", request.endpoint, change);
}

Task<Result<documents::Bypass>> OperatorOverrides::bypass(BypassRequest request) {
    const auto manifest = state_.desired.manifest;
    const auto endpoints = manifest ? std::span<const config::Endpoint>(manifest->endpoints)
                                    : std::span<const config::Endpoint>();
    const auto endpoint = std::ranges::find(endpoints, request.endpoint, &config::Endpoint::name);
    if (endpoint == endpoints.end())
        co_return tl::unexpected(
            Error{fmt::format("there is no endpoint {}; see glbctl endpoints", request.endpoint), ENOENT});
    const auto now = ports_.clock.now();
    auto bypasses = state_.desired.bypasses;
    if (request.off)
        (void)bypasses.off(request.endpoint);
    else
        bypasses.set(request.endpoint,
                     request.duration ? std::optional(now + *request.duration) : std::nullopt);
    const auto json = bypasses.to_json();
    GLB_CO_TRY(co_await worker_.run([&] { return persist(ports_.state, "bypasses", json); }));
    state_.desired.bypasses = bypasses;
    const auto reason = observe::bypass_reason(*endpoint, bypasses.ends(), *ports_.health.snapshot());
    log_bypass(request, reason);
    const auto index = state_.installed.allocation->indexes.find(plan::IndexKind::endpoint, request.endpoint);
    if (ports_.datapath.is_loaded() && index)
        GLB_CO_TRY(
            write_overrides({{*index, bypasses.word(request.endpoint)}}, ports_.datapath, state_.installed));
    documents::Bypass document{request.endpoint, reason.has_value(), reason, endpoint->target_group,
                               bypasses.seconds_left(request.endpoint, now)};
    co_return document;
}

Task<void> OperatorOverrides::expire() {
    auto &bypasses = state_.desired.bypasses;
    const auto epoch = ports_.datapath.epoch();
    const auto expired = bypasses.expire(ports_.clock.now());
    if (expired.empty())
        co_return;
    for (const auto &endpoint : expired)
        spdlog::warn("endpoint {}: the bypass has expired, {}", endpoint, change_text(epoch, epoch, {}));
    const auto json = bypasses.to_json();
    const auto done = co_await worker_.run([&] { return persist(ports_.state, "bypasses", json); });
    if (!done)
        spdlog::warn("{}", done.error().message);
}

} // namespace glb::control
