// StateStore: what a node remembers on disk: the manifest in force, the hash seed, and small values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/state/checksummed_file.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb {

using HashSeed = std::vector<std::uint8_t>;

struct StoredSeed {
    HashSeed seed;
    std::string warning; ///< where it was not simply read; empty: it was
};

/// The owner of a state folder as long as it lives: one daemon a folder. What is damaged is never believed; a
/// warning tells it.
class StateStore {
  public:
    /// Makes the folder (0700) and takes its lock. EBUSY where another process has it.
    [[nodiscard]] static Result<StateStore> open(const std::filesystem::path &folder);

    /// What opening found damaged; empty: nothing.
    [[nodiscard]] const std::string &warning() const { return warning_; }

    /// Stores the text of the manifest in force. On failure the one before stays, and the error names file
    /// and mend.
    [[nodiscard]] Status save_manifest(std::string_view text);
    [[nodiscard]] LoadedFile load_manifest() const { return manifest_.load(); }
    [[nodiscard]] Status forget_manifest();
    [[nodiscard]] const std::filesystem::path &manifest_path() const { return manifest_.path(); }

    /// The seed that was stored; where it is lost, `running` (that of maps in use), which is stored anew;
    /// where there is none either and `may_create`, 16 random bytes. Else an error: live flows were steered
    /// by a seed that nobody knows any more.
    [[nodiscard]] Result<StoredSeed> hash_seed(const std::optional<HashSeed> &running, bool may_create);

    /// From now on this one.
    [[nodiscard]] Status persist_hash_seed(const HashSeed &seed);

    /// The value of `key`; null where there is none.
    [[nodiscard]] nlohmann::json value(const std::string &key) const;
    /// Stores at once. null removes the key. On failure the value before stays, in memory too.
    [[nodiscard]] Status set_value(const std::string &key, nlohmann::json value);

  private:
    StateStore(const std::filesystem::path &folder, Fd lock);
    void read_values();

    Fd lock_;
    ChecksummedFile manifest_;
    ChecksummedFile seed_;
    ChecksummedFile values_file_;
    nlohmann::json values_ = nlohmann::json::object();
    std::string warning_;
};

} // namespace glb
