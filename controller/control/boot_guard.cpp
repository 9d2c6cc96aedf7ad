#include "controller/control/boot_guard.h"

#include <cerrno>

#include <fmt/ranges.h>

#include "controller/config/parser.h"
#include "controller/datapath/pins.h"
#include "controller/util/lock_file.h"
#include "controller/util/log.h"

namespace glb {

namespace {

using Kind = IndexAllocator::Kind;

/// The manifest that the daemon would take, and why it is not the one in force; nullopt: there is none.
Result<std::optional<ManifestFile>> manifest_for_boot(const StateStore &store,
                                                      const std::optional<ManifestFile> &first_manifest) {
    auto stored = store.load_manifest();
    if (!stored.warning.empty())
        spdlog::warn("{}", stored.warning);
    if (stored.text)
        return ManifestFile{store.manifest_path(), std::move(*stored.text)};
    if (!first_manifest && !stored.warning.empty())
        return fail(
            "the manifest in force cannot be read, so nobody knows what to guard: {}; name one by --manifest",
            stored.warning);
    auto kept = load_kept_guard_text(store);
    if (first_manifest || kept.empty())
        return first_manifest;
    return ManifestFile{store.manifest_path(), std::move(kept)};
}

/// Marks of endpoints matter once the data path is loaded, and the daemon writes them anew then; those of
/// maps that are still pinned stay as they are.
Result<IndexAllocator> boot_indexes(const Manifest &manifest, const std::filesystem::path &bpffs) {
    std::vector<std::string> names;
    GLB_ASSIGN(const auto pins, datapath::Pins::open(bpffs));
    if (auto pinned = pins.index_names())
        names = std::move(*pinned);
    auto book = IndexAllocator::from_names(names);
    for (const auto &endpoint : manifest.endpoints)
        GLB_TRY(book.claim(Kind::endpoint, endpoint.name));
    return book;
}

/// Without a data path; interfaces need not be there.
Result<GuardPlan> plan_alone(const Manifest &manifest, const StateStore &store,
                             const std::filesystem::path &bpffs) {
    GLB_ASSIGN(auto netlink, Netlink::open());
    GLB_ASSIGN(const auto snapshot, read_snapshot(netlink));
    GLB_ASSIGN(const auto book, boot_indexes(manifest, bpffs));
    return plan_guard(manifest, book, snapshot, store.value("devices"));
}

constexpr auto kept_guard_key = "keptGuard";

} // namespace

Status persist_kept_guard(StateStore &store, const std::string &manifest_text) {
    const auto value = manifest_text.empty() ? nlohmann::json() : nlohmann::json(manifest_text);
    return store.value(kept_guard_key) == value ? Status{} : store.set_value(kept_guard_key, value);
}

std::string load_kept_guard_text(const StateStore &store) {
    const auto kept = store.value(kept_guard_key);
    return kept.is_string() ? kept.get<std::string>() : "";
}

std::optional<Manifest> load_kept_guard(const StateStore &store) {
    const auto text = load_kept_guard_text(store);
    if (text.empty())
        return std::nullopt;
    auto manifest = parse_manifest(text);
    return manifest ? std::optional(std::move(*manifest)) : std::nullopt;
}

Result<bool> ensure_kept_guard(const StateStore &store, const std::filesystem::path &bpffs,
                               guard::Guard &guard) {
    const auto manifest = load_kept_guard(store);
    if (!manifest)
        return false;
    GLB_ASSIGN(const auto plan, plan_alone(*manifest, store, bpffs));
    GLB_TRY(guard.install(plan));
    spdlog::warn("the guard that down was told to keep stands on {}: nothing passes there before a manifest "
                 "is applied",
                 fmt::join(guard_devices(plan), ", "));
    return true;
}

Status install_boot_guard(const NodeSettings &settings, const std::optional<ManifestFile> &first_manifest) {
    auto store = StateStore::open(settings.state_dir);
    if (!store && store.error().code == EBUSY) {
        spdlog::info("a daemon has {}: the guard is its own", settings.state_dir.string());
        return {};
    }
    if (!store)
        return tl::unexpected(std::move(store).error());
    GLB_ASSIGN(const auto file, manifest_for_boot(*store, first_manifest));
    if (!file) {
        spdlog::info("no manifest was applied yet: there is nothing to guard");
        return {};
    }
    GLB_ASSIGN(const auto text, file->text);
    auto manifest = parse_manifest(text);
    if (!manifest)
        return refused(file->path, manifest.error());
    GLB_ASSIGN(const auto lock, lock_folder(settings.bpffs));
    GLB_ASSIGN(const auto plan, plan_alone(*manifest, *store, settings.bpffs));
    GLB_ASSIGN(auto guard, guard::Guard::open({settings.bpffs / "guard", settings.state_dir / "guard.json"}));
    GLB_TRY(guard.install(plan));
    spdlog::info("the guard stands on {}: nothing is forwarded past the appliances before glbd runs",
                 fmt::join(guard_devices(plan), ", "));
    return {};
}

} // namespace glb
