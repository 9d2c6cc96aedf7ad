// StateAdapter: StatePort over the state folder.
#pragma once

#include <filesystem>
#include <utility>
#include <vector>

#include "controller/control/ports/state_port.h"
#include "controller/state/store.h"
#include "controller/util/log.h"

namespace glb::adapters {

class StateAdapter final : public control::StatePort {
  public:
    StateAdapter(state::StateStore store, state::History history)
        : store_(std::move(store)), history_(std::move(history)), history_conditions_(history_.conditions()) {
    }

    state::LoadedFile load_manifest() const override { return store_.load_manifest(); }
    Status save_manifest(const std::string &text) override { return store_.save_manifest(text); }
    Status remove_manifest() override { return store_.remove_manifest(); }
    std::filesystem::path manifest_path() const override { return store_.manifest_path(); }

    Result<state::HashSeed> hash_seed(const std::optional<state::HashSeed> &running,
                                      bool may_create) override {
        GLB_ASSIGN(auto stored, store_.hash_seed(running, may_create));
        if (!stored.warning.empty())
            spdlog::warn("{}", stored.warning);
        return std::move(stored.seed);
    }
    Status persist_hash_seed(const state::HashSeed &seed) override { return store_.persist_hash_seed(seed); }

    nlohmann::json value(const std::string &key) const override { return store_.value(key); }
    Status set_value(const std::string &key, nlohmann::json value) override {
        return store_.set_value(key, std::move(value));
    }

    std::vector<state::HistoryEntry> history() const override { return history_.entries(); }
    Status add_history(const state::HistoryEntry &entry) override { return history_.add(entry); }

    std::vector<Condition> conditions() const override {
        auto all = store_.conditions();
        all.insert(all.end(), history_conditions_.begin(), history_conditions_.end());
        return all;
    }

  private:
    state::StateStore store_;
    state::History history_;
    std::vector<Condition> history_conditions_; ///< at the start
};

} // namespace glb::adapters
