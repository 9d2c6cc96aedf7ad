// StatePort: the node's persistent state and the history of manifests. See state/store.h, state/history.h.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/state/checksummed_file.h"
#include "controller/state/hash_seed.h"
#include "controller/state/history.h"
#include "controller/util/condition.h"
#include "controller/util/result.h"

namespace glb::control {

/// Key of a value: the result of known_devices() (plan/guard_plan.h).
inline constexpr auto devices_key = "devices";
inline constexpr auto counters_since_key = "countersSince"; ///< UTC: when the maps of the counters were made

/// One thread at a time, but value() and conditions() beside a write too. A write that fails leaves the previous value.
class StatePort {
  public:
    virtual ~StatePort() = default;

    [[nodiscard]] virtual state::LoadedFile load_manifest() const = 0;
    [[nodiscard]] virtual Status save_manifest(const std::string &text) = 0;
    [[nodiscard]] virtual Status remove_manifest() = 0;
    [[nodiscard]] virtual std::filesystem::path manifest_path() const = 0;

    /// See StateStore::hash_seed(). A warning is logged.
    [[nodiscard]] virtual Result<state::HashSeed> hash_seed(const std::optional<state::HashSeed> &running,
                                                            bool may_create) = 0;
    [[nodiscard]] virtual Status persist_hash_seed(const state::HashSeed &seed) = 0;

    /// null: not set.
    [[nodiscard]] virtual nlohmann::json value(const std::string &key) const = 0;
    [[nodiscard]] virtual Status set_value(const std::string &key, nlohmann::json value) = 0;

    /// Newest first.
    [[nodiscard]] virtual std::vector<state::HistoryEntry> history() const = 0;
    [[nodiscard]] virtual Status add_history(const state::HistoryEntry &entry) = 0;

    /// What is wrong with the files.
    [[nodiscard]] virtual std::vector<Condition> conditions() const = 0;
};

/// Stores the value if it differs from the stored one.
[[nodiscard]] inline Status persist(StatePort &state, const std::string &key, nlohmann::json value) {
    return state.value(key) == value ? Status{} : state.set_value(key, std::move(value));
}

} // namespace glb::control
