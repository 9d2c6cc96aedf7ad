// StateStore: a node's persistent state: the active manifest, the hash seed, and small values.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/state/checksummed_file.h"
#include "controller/state/hash_seed.h"
#include "controller/util/condition.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::state {

struct StoredSeed {
    HashSeed seed;
    std::string warning; ///< why the seed is not the stored one; empty: it is
};

/// Holds the lock of a state folder: one daemon per folder. Damaged files are not used, and reported by
/// warnings. One thread at a time writes; others may call value() and conditions() meanwhile, and do not wait for the
/// disk.
class StateStore {
  public:
    /// Creates the folder (0700) and locks it, also where it is read-only. EBUSY if another process holds the lock.
    [[nodiscard]] static Result<StateStore> open(const std::filesystem::path &folder);

    /// What open() found damaged; empty: nothing.
    [[nodiscard]] const std::string &warning() const { return warning_; }

    /// Stores the active manifest's text. On failure the previous one is kept, and the error names file and
    /// fix.
    [[nodiscard]] Status save_manifest(std::string_view text);
    [[nodiscard]] LoadedFile load_manifest() const;
    [[nodiscard]] Status remove_manifest();
    [[nodiscard]] const std::filesystem::path &manifest_path() const { return manifest_.path(); }

    /// The stored seed. If it is lost: `running`, the seed of the loaded data path, which is stored again;
    /// else, with `may_create`, 16 random bytes. Otherwise an error, since live flows were steered by the
    /// lost seed.
    [[nodiscard]] Result<StoredSeed> hash_seed(const std::optional<HashSeed> &running, bool may_create);

    /// What is wrong with the files: "state-damaged" where a file was not valid when it was read, until a manifest
    /// is saved, or the file removed; "state-unwritable" since a write that failed, until one succeeds.
    [[nodiscard]] std::vector<Condition> conditions() const;

    /// Replaces the stored seed.
    [[nodiscard]] Status persist_hash_seed(const HashSeed &seed);

    /// The value of `key`; null: not set.
    [[nodiscard]] nlohmann::json value(const std::string &key) const;
    /// Stores immediately. null removes the key. On failure the previous value is kept, also in memory.
    [[nodiscard]] Status set_value(const std::string &key, nlohmann::json value);

  private:
    explicit StateStore(const std::filesystem::path &folder);
    void read_values();
    void record_damage(const std::filesystem::path &file, const std::string &warning,
                       Severity severity) const;
    void retry_lock();
    Status record_write(const std::filesystem::path &file, Status written);

    Fd lock_;
    ChecksummedFile manifest_;
    ChecksummedFile seed_;
    ChecksummedFile values_file_;
    std::filesystem::path lock_path_;
    std::string warning_;
    std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>(); // of the members below
    nlohmann::json values_ = nlohmann::json::object();
    mutable std::map<std::filesystem::path, Condition> damaged_;
    std::map<std::filesystem::path, Condition> unwritable_;
};

} // namespace glb::state
