// Pins: the folder in a bpffs where maps and links outlive the daemon.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "abi/config.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// `BPFFS/v<schema>/maps/NAME` and `BPFFS/v<schema>/links/xdp-<ifindex>` (bpffs refuses dots in names, and
/// interfaces may have them). Another schema lives in a folder of its own and is not touched here.
class Pins {
  public:
    /// Makes the folders. Fails where `bpffs` is not on a BPF file system, with the mount command.
    [[nodiscard]] static Result<Pins> open(const std::filesystem::path &bpffs);

    [[nodiscard]] std::filesystem::path map(const std::string &name) const { return maps_ / name; }
    [[nodiscard]] std::filesystem::path link(unsigned ifindex) const;
    /// The interface indexes of all pinned links, alive or dead.
    [[nodiscard]] std::vector<unsigned> links() const;

    /// What the pinned maps say of themselves; none where there are none, or none that were ever filled.
    [[nodiscard]] Result<std::optional<glb_kept>> kept() const;

    /// Removes the pins of all maps (links hold a program, and that its maps, until they go).
    [[nodiscard]] Status remove_maps() const;
    /// Removes every pin and the folders.
    [[nodiscard]] Status remove_all() const;

  private:
    explicit Pins(std::filesystem::path root);

    std::filesystem::path root_; // BPFFS/v<schema>
    std::filesystem::path maps_;
    std::filesystem::path links_;
};

} // namespace glb::datapath
