// Owner: whose guard it is. A network namespace has one guard. Its record is a chain of table `inet glb`, since the
// guard stands without a bpffs and without a daemon.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "controller/guard/nftables.h"
#include "controller/util/fd.h"
#include "lib/netlink/netlink.h"

namespace glb::guard {

struct Owner {
    std::string node;
    std::string state_dir; ///< absolute, without symbolic links
    std::string bpffs;
    std::string run_dir; ///< of the socket
    std::string id;      ///< of the state directory, random; empty: it could not be read

    bool operator==(const Owner &) const = default;
};

/// `node "glb-a" (state directory /var/lib/glb, bpffs /sys/fs/bpf/glb)`
[[nodiscard]] std::string to_string(const Owner &owner);

/// nft commands that replace the record in table `inet glb`: a rule per member in chain `owner`, which no packet
/// enters.
[[nodiscard]] std::string owner_ruleset(const Owner &owner);
/// From `nft -j list chain inet glb owner`; nullopt: it has no record.
[[nodiscard]] std::optional<Owner> parse_owner(const std::string &chain_json);

enum class Ownership : std::uint8_t {
    none,     ///< there is no guard
    own,      ///< of this daemon, or of an earlier one with its state
    foreign,  ///< of another daemon, which runs or may be started again
    abandoned ///< of a daemon whose state directory is gone, or of an unknown one
};

struct FoundGuard {
    Ownership ownership = Ownership::none;
    std::optional<Owner> owner; ///< nullopt: not recorded, as by earlier versions
    bool is_running = false;    ///< the owner, if it is foreign
};

/// The identity of this daemon, and the comparison with the guard that is in the kernel.
class OwnerCheck {
  public:
    OwnerCheck(const std::filesystem::path &state_dir, const std::filesystem::path &bpffs,
               const std::filesystem::path &run_dir);

    /// Of this daemon. The first call reads the id of the state directory (file `owner`), or makes one. An id that
    /// cannot be written lasts as long as the daemon.
    [[nodiscard]] const Owner &self();
    /// Empty: the host name.
    void set_node(const std::string &name);

    /// What this daemon has of an earlier one.
    struct Evidence {
        bool has_state = false; ///< of a guard: one without a record belongs to this daemon
        bool has_pins = false;  ///< in its bpffs, which it has locked: of a guard that names this bpffs
    };
    /// In the network namespace of the calling thread.
    [[nodiscard]] Result<FoundGuard> find(Nftables &nftables, Netlink &netlink, Evidence evidence);

  private:
    [[nodiscard]] Ownership compare(const Owner &recorded, bool has_pins);

    Owner self_;
    Fd presence_; ///< tells other daemons of the network namespace that this one runs
};

/// EBUSY where the guard is another daemon's: who it is, and what an operator can do.
[[nodiscard]] Status check_ownership(const FoundGuard &found);

} // namespace glb::guard
