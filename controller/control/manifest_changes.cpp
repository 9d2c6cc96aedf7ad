#include "controller/control/manifest_changes.h"

#include <utility>

#include "controller/config/exporter.h"
#include "controller/config/manifest_diff.h"
#include "controller/config/parser.h"
#include "controller/config/unsupported_features.h"
#include "controller/control/host_checks.h"
#include "controller/control/host_conditions.h"
#include "controller/control/kept_guard.h"
#include "controller/control/persisted_targets.h"
#include "controller/util/descriptor_limit.h"
#include "controller/util/log.h"

namespace glb::control {

namespace {

std::vector<ApiError> api_errors(const std::vector<config::ManifestError> &errors) {
    std::vector<ApiError> rows;
    for (const auto &error : errors)
        rows.push_back({error.pointer, error.message});
    return rows;
}

std::vector<documents::Change> change_documents(const std::vector<config::ManifestChange> &changes) {
    std::vector<documents::Change> rows;
    for (const auto &change : changes) {
        const nlohmann::json row = to_json(change);
        rows.push_back({row["action"], row["kind"], row["name"], row["before"], row["after"]});
    }
    return rows;
}

/// Operators' drains that `manifest` does not end, as GROUP/TARGET.
std::vector<std::string> remaining_drains(const health::HealthSnapshot &health,
                                          const config::Manifest &manifest) {
    std::vector<std::string> names;
    for (const auto &[name, until] : health.persisted.operator_drains)
        for (const auto &group : manifest.target_groups)
            for (const auto &target : group.targets)
                if (plan::target_name(group.name, target.id) == name)
                    names.push_back(name);
    return names;
}

ApplyResult refusal(std::uint64_t epoch, std::vector<ApiError> errors) {
    ApplyResult result;
    result.epoch = epoch;
    result.errors = std::move(errors);
    return result;
}

} // namespace

/// Everything that can be checked without changing anything. Reads the network for activate().
Result<ApplyResult> ManifestChanges::check(const config::Manifest &manifest) {
    ApplyResult result;
    result.epoch = ports_.datapath.epoch();
    GLB_ASSIGN(state_.installed.network, ports_.network.read());
    const auto &snapshot = state_.installed.network;
    GLB_TRY(ports_.guard.check_owner());
    const auto findings = check_host(manifest, snapshot);
    if (!findings.errors.empty())
        return refusal(result.epoch, api_errors(findings.errors));
    if (const auto errors = check_descriptors(manifest, descriptor_limit()); !errors.empty())
        return refusal(result.epoch, api_errors(errors));
    for (const auto &condition : host_conditions(manifest, state_, ports_))
        result.warnings.push_back(to_string(condition));
    result.changes = change_documents(config::diff_manifests(state_.desired.manifest.get(), manifest));
    result.drained_by_operator = remaining_drains(*ports_.health.snapshot(), manifest);
    return result;
}

Task<Result<ApplyResult>> ManifestChanges::apply(std::string text, ApplyOptions options) {
    const auto epoch = ports_.datapath.epoch();
    const auto manifest = config::parse_supported_manifest(text);
    if (!manifest)
        co_return refusal(epoch, api_errors(manifest.error()));
    auto result = check(*manifest);
    if (!result || !result->errors.empty() || options.dry_run)
        co_return result;
    GLB_CO_TRY(refuse_while_pending(options));
    GLB_CO_TRY(ports_.datapath.lock());
    const bool differs = !result->changes.empty();
    const auto done = co_await activate(*manifest, text, differs, confirmation_for(text, options));
    if (!done && !done.error().pointer.empty())
        co_return refusal(epoch, {{done.error().pointer, done.error().message}});
    GLB_CO_TRY(done);
    if (differs) // another text with the same meaning is the same manifest
        co_await append_history(options.by, options.peer, options.file);
    result->applied = true;
    result->epoch = ports_.datapath.epoch();
    if (options.confirm_within)
        result->confirm_within_seconds = static_cast<std::uint64_t>(options.confirm_within->count());
    if (const auto checked = reconciler_.check_guard(); !checked) // the manifest is active nevertheless
        result->warnings.push_back(checked.error().message);
    resizer_.check(true);
    if (const auto target = resizer_.target())
        result->warnings.push_back(fmt::format(
            "/node/flowTable/capacity: the flow table is being resized from {} to {} entries while "
            "traffic continues: glbctl status shows the capacity",
            ports_.datapath.capacity(), *target));
    for (const auto &condition : state_.conditions.guard.conditions)
        result->warnings.push_back(to_string(condition));
    report_host_conditions(state_, ports_);
    report(*result, options, epoch);
    co_return result;
}

void ManifestChanges::report(const ApplyResult &result, const ApplyOptions &options, std::uint64_t before) {
    spdlog::info("applied a manifest ({}{}{}): {} change{}, {}", options.by,
                 options.file.empty() ? "" : " from ", options.file, result.changes.size(),
                 result.changes.size() == 1 ? "" : "s", change_text(before, result.epoch, options.peer));
    if (options.confirm_within)
        spdlog::info("the previous manifest is restored unless this one is confirmed within {} s",
                     options.confirm_within->count());
    for (const auto &warning : result.warnings)
        spdlog::warn("{}", warning);
}

/// Without a manifest, too: that of one that was kept, or that cannot be read.
bool ManifestChanges::has_guard() const {
    return state_.desired.manifest || state_.installed.guard || !state_.conditions.failure.empty();
}

/// Completely or not at all, with the network as it was last read. The change also confirms a
/// pending manifest (refuse_while_pending()). A manifest that does not differ from the active
/// one begins no epoch.
Task<Status> ManifestChanges::activate(const config::Manifest &manifest, const std::string &text,
                                       bool differs, std::optional<Confirmation> confirmation) {
    auto &desired = state_.desired;
    auto &installed = state_.installed;
    const auto seed = desired.seed;
    const auto allocation = installed.allocation;
    const auto health = installed.health;
    const bool had_guard = has_guard();
    const auto devices = ports_.state.value(devices_key);
    const auto generation = ports_.health.snapshot()->generation + 1;
    bool stored = false;
    const auto commit = [&]() -> Status { // on the worker
        stored = true;                    // a save that fails may have replaced the file
        GLB_TRY(store_next_confirmation(ports_.state, confirmation));
        return ports_.state.save_manifest(text);
    };
    Change change{manifest, differs, commit};
    change.network_is_read = true;
    auto done = co_await reconciler_.reconcile(change);
    if (done) {
        co_await finish_activation(manifest, text, std::move(confirmation));
        co_return done;
    }
    desired.seed = seed;
    installed.allocation = allocation;
    installed.health = health;
    ports_.health.abandon(generation);
    if (stored)
        co_await worker_.run(
            [&] { // beside another manifest a confirmation has no effect, so its write may fail
                (void)(desired.text.empty() ? ports_.state.remove_manifest()
                                            : ports_.state.save_manifest(desired.text));
                (void)store_next_confirmation(ports_.state, std::nullopt);
            });
    co_await restore_previous(had_guard, devices);
    co_return done;
}

Task<void> ManifestChanges::finish_activation(const config::Manifest &manifest, const std::string &text,
                                              std::optional<Confirmation> confirmation) {
    auto &desired = state_.desired;
    ++state_.configuration;
    desired.manifest = std::make_shared<const config::Manifest>(manifest);
    desired.text = text;
    pending_removal_.reset();
    state_.installed.kept_guard.reset();
    state_.conditions.failure.clear();
    state_.conditions.orphaned_epoch.reset();
    std::set<std::string> endpoints;
    for (const auto &endpoint : manifest.endpoints)
        endpoints.insert(endpoint.name);
    desired.bypasses.retain_only(endpoints);
    const auto drains = drains_to_json(ports_.health.snapshot()->persisted);
    desired.confirmation = std::move(confirmation);
    co_await worker_.run([&] {
        auto &state = ports_.state;
        for (const auto &done :
             {store_confirmation(state, desired.confirmation), persist(state, "drains", drains),
              persist_kept_guard(state, ""), persist(state, "bypasses", desired.bypasses.to_json())})
            if (!done)
                spdlog::warn("{}", done.error().message);
    });
    if (const auto done = co_await persist_hash_seed(); !done)
        spdlog::warn("{}", done.error().message);
}

/// After a change that failed. Without a previous manifest a guard stays if there was one, of `devices` if nothing
/// else is known. What cannot be restored now is tried again at each tick.
Task<void> ManifestChanges::restore_previous(bool had_guard, const nlohmann::json &devices) {
    state_.installed.distrust();
    Status restored;
    if (state_.desired.manifest) {
        const auto manifest = state_.desired.manifest;
        const Change change{*manifest};
        restored = co_await reconciler_.reconcile(change);
    } else {
        const auto text = state_.desired.text; // of a manifest that cannot be used
        restored = co_await take_down(had_guard);
        state_.desired.text = text;
        if (had_guard) // the change has recorded its own
            co_await worker_.run([&] { (void)persist(ports_.state, devices_key, devices); });
        if (restored)
            restored = restore_guard(true);
        else
            pending_removal_ = PendingRemoval{had_guard, devices}; // tried again at each tick
    }
    if (!restored) {
        const auto &why = restored.error().message;
        if (std::exchange(state_.conditions.failure, why) != why)
            spdlog::error(
                "a change failed, and the previous configuration could not be restored completely: {}", why);
    } else if (state_.desired.manifest) {
        state_.conditions.failure.clear();
    }
}

/// A seed that a manifest has set remains the node's seed when a later manifest sets none.
Task<Status> ManifestChanges::persist_hash_seed() {
    const auto &seed = state_.desired.seed;
    if (state_.installed.seed == seed)
        co_return Status{};
    GLB_CO_TRY(co_await worker_.run([&] { return ports_.state.persist_hash_seed(seed); }));
    GLB_CO_TRY(ports_.datapath.set_seed(seed));
    state_.installed.seed = seed;
    co_return Status{};
}

Task<void> ManifestChanges::refresh(bool is_periodic) {
    auto &failure = state_.conditions.failure;
    const auto manifest = state_.desired.manifest;
    if (!manifest)
        co_return;
    if (!is_periodic && ports_.datapath.is_loaded())
        if (const auto raised = ports_.datapath.raise_route_generation(); !raised)
            spdlog::error("{}", raised.error().message);
    retry_guard();
    Change change{*manifest};
    change.is_periodic = is_periodic && failure.empty() && ports_.datapath.is_loaded();
    const auto done = co_await reconciler_.reconcile(change);
    const auto now = done ? std::string() : done.error().message;
    if (now != failure) {
        if (now.empty())
            spdlog::info("the active manifest is in effect again; the earlier failure is resolved");
        else
            spdlog::error("the active manifest could not be reconciled: {}", now);
    }
    failure = now;
}

} // namespace glb::control
