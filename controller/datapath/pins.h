// Pins: folders in a bpffs where maps, programs and links outlive the daemon.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "abi/config.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// Programs by their ids.
using ProgramFds = std::map<std::uint32_t, Fd>;

/// A set of maps and the programs that use it, in a folder of its own: `BPFFS/v<schema>`, or
/// `BPFFS/v<schema>-<n>` after its flow table has changed its size. Links belong to no set:
/// `BPFFS/links/xdp-<ifindex>` (bpffs refuses dots in names, and interfaces may have them). Which set a link
/// holds is asked of the kernel, never of a file.
class Pins {
  public:
    /// `BPFFS/v<GLB_SCHEMA>`, whether or not it is there. Fails where `bpffs` is not on a BPF file system,
    /// with the mount command.
    [[nodiscard]] static Result<Pins> open(const std::filesystem::path &bpffs);
    /// A new, empty set of this schema, in a folder that no other set has.
    [[nodiscard]] static Result<Pins> make(const std::filesystem::path &bpffs);
    /// Every set, of any schema, by name.
    [[nodiscard]] static std::vector<Pins> all(const std::filesystem::path &bpffs);

    [[nodiscard]] std::string name() const { return root_.filename().string(); }
    [[nodiscard]] std::uint32_t schema() const { return schema_; } ///< by its name
    /// The pin of the map that this schema calls `name`, under the name that the set's own schema uses.
    [[nodiscard]] std::filesystem::path map(const std::string &name) const;
    /// The Maglev table at an index of glb_maglev: only pins give it to a later daemon without CAP_SYS_ADMIN.
    [[nodiscard]] std::filesystem::path table(std::uint32_t index) const;

    /// Pins a program that is about to be attached, so that its links are known by it.
    [[nodiscard]] Status pin_program(int program) const;
    [[nodiscard]] ProgramFds programs() const;
    /// Removes the pins of all programs but these.
    [[nodiscard]] Status unpin_programs_except(const std::set<std::uint32_t> &ids) const;

    [[nodiscard]] std::filesystem::path link(unsigned ifindex) const;
    /// The interface indexes of all pinned links, alive or dead, whatever set they hold.
    [[nodiscard]] std::vector<unsigned> links() const;

    /// What the pinned maps say of themselves, in any schema; none where there are none, or none that were
    /// ever filled.
    [[nodiscard]] Result<std::optional<glb_metadata>> metadata() const;

    /// Removes this set (links hold a program, and that its maps, until they go).
    [[nodiscard]] Status remove() const;
    /// Removes every set, every link's pin and the folders.
    [[nodiscard]] Status remove_all() const;

  private:
    Pins(std::filesystem::path root, std::uint32_t schema) : root_(std::move(root)), schema_(schema) {}
    [[nodiscard]] Status make_all() const;

    std::filesystem::path root_;
    std::uint32_t schema_;
};

} // namespace glb::datapath
