// Pins: folders in a bpffs in which maps, programs and links outlive the daemon.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "abi/config.h"
#include "controller/datapath/maps.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// Names of pinned links, which the interface index follows.
inline constexpr std::string_view link_prefix = "xdp-";

/// Programs by id.
using ProgramFds = std::map<std::uint32_t, Fd>;

/// A set of maps and the programs that use it, in a folder of its own: `BPFFS/v<schema>`, or
/// `BPFFS/v<schema>-<n>` after a resize of the flow table. Links belong to no set:
/// `BPFFS/links/xdp-<ifindex>` (bpffs rejects dots in names, which interface names may contain). The kernel
/// is the source of which set a link uses, never a file.
class Pins {
  public:
    /// `BPFFS/v<GLB_SCHEMA>`, which need not exist. Fails if `bpffs` is not on a BPF file system, with the
    /// mount command.
    [[nodiscard]] static Result<Pins> open(const std::filesystem::path &bpffs);
    /// A new, empty set of this schema, in a folder that no other set uses.
    [[nodiscard]] static Result<Pins> make(const std::filesystem::path &bpffs);
    /// Every set, of any schema, by name. Here and below a folder that does not exist is empty, and one that cannot
    /// be read is an error: a daemon that saw no pins would load a second data path beside the running one.
    [[nodiscard]] static Result<std::vector<Pins>> all(const std::filesystem::path &bpffs);

    /// The folders of the set, as far as they are missing.
    [[nodiscard]] Status make_all() const;

    [[nodiscard]] std::string name() const { return root_.filename().string(); }
    [[nodiscard]] std::uint32_t schema() const { return schema_; } ///< by its name
    /// The pin of a map of this schema, under the name that the set's own schema uses.
    [[nodiscard]] std::filesystem::path map(Map map) const { return this->map(to_string(map)); }
    [[nodiscard]] std::filesystem::path map(const std::string &name) const;
    [[nodiscard]] std::filesystem::path maps() const { return root_ / "maps"; }
    /// The Maglev table at an index of glb_maglev: without CAP_SYS_ADMIN a later daemon opens it by its pin
    /// only.
    [[nodiscard]] std::filesystem::path table(std::uint32_t index) const;

    /// Pins a program before it is attached, so that a later daemon can identify its links.
    [[nodiscard]] Status pin_program(int program) const;
    /// The programs that pin_program() pinned; other pins are ignored.
    [[nodiscard]] Result<ProgramFds> programs() const;
    [[nodiscard]] Status unpin_programs_except(const std::set<std::uint32_t> &ids) const;

    [[nodiscard]] std::filesystem::path link(unsigned ifindex) const;
    /// The interface indexes of all pinned links, alive or dead, whatever set they use.
    [[nodiscard]] Result<std::vector<unsigned>> links() const;

    /// The row of the pinned glb_metadata, of any schema; none if the maps do not exist or were never
    /// filled completely.
    [[nodiscard]] Result<std::optional<glb_metadata>> metadata() const;
    /// The GLB_INDEX_NAMES rows of the pinned glb_index_names (empty: free); an error if it is not pinned.
    [[nodiscard]] Result<std::vector<std::string>> index_names() const;

    /// Removes the pins of this set. A link keeps its program and the program's maps alive.
    [[nodiscard]] Status remove() const;
    /// Removes every set, every link's pin and the folders.
    [[nodiscard]] Status remove_all() const;

  private:
    Pins(std::filesystem::path root, std::uint32_t schema) : root_(std::move(root)), schema_(schema) {}
    [[nodiscard]] Result<std::set<std::uint32_t>> program_ids() const; ///< by the names of their pins

    std::filesystem::path root_;
    std::uint32_t schema_;
};

/// The object that is pinned as `pin`; an empty Fd if there is no such pin. Any other failure is an error.
[[nodiscard]] Result<Fd> open_if_pinned(const std::filesystem::path &pin);
/// The same, but fails with ENOENT if there is no such pin.
[[nodiscard]] Result<Fd> open_pin(const std::filesystem::path &pin);

} // namespace glb::datapath
