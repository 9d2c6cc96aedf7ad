// Attachments: the XDP program on its interfaces, by pinned links that are updated in place.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controller/datapath/pins.h"
#include "controller/util/fd.h"
#include "controller/util/result.h"

namespace glb::datapath {

enum class AttachMode : std::uint8_t { native, generic };

/// The XDP program of an interface.
struct AttachedProgram {
    std::uint32_t program_id = 0; ///< 0: none
    bool native = true;
    std::string name; ///< from libxdp; empty if the process may not look programs up by id
    std::string tag;  ///< likewise, 16 hex digits
};

[[nodiscard]] Result<AttachedProgram> attached_program(unsigned ifindex);

/// Calls `change` with each interface of `order`; if one fails, `revert` with those before it in reverse
/// order. The error contains the failures of `revert`.
[[nodiscard]] Status all_or_none(const std::vector<unsigned> &order,
                                 const std::function<Status(unsigned)> &change,
                                 const std::function<Status(unsigned)> &revert);

class Attachments {
  public:
    /// Opens the links that an earlier daemon pinned and removes the pins of dead ones (their interface is
    /// gone). Programs are pinned in `pins`.
    [[nodiscard]] static Result<Attachments> open(Pins pins);

    /// Programs attached from now on belong to another set.
    void set_pins(Pins pins) { pins_ = std::move(pins); }

    /// Updates every link in place: no packet is lost or bypasses the program. The link of `first` (an
    /// interface index) is updated before the others. If a link fails, those before it get their program
    /// back, which must be one of `previous`. Unless `always`, a link whose program has the same instructions
    /// is skipped, for both use the pinned settings and maps. A program is pinned in its set before a link
    /// uses it and unpinned after the last one.
    [[nodiscard]] Status replace_program(int program, const ProgramFds &previous, unsigned first = 0,
                                         bool always = false);

    /// Attaches if no link exists yet; the link is pinned at once. EBUSY if the interface has a foreign
    /// program.
    [[nodiscard]] Status attach(unsigned ifindex, const std::string &name, AttachMode mode, int program);
    [[nodiscard]] Status detach(unsigned ifindex);

    /// Pins links that are alive, and their `program`, again if their pins were removed. Returns the paths.
    [[nodiscard]] Result<std::vector<std::string>> restore_pins(int program);

    /// Whether a link has one of these programs.
    [[nodiscard]] bool uses(const ProgramFds &programs) const;

    /// Whether our link is alive; a dead one is removed.
    [[nodiscard]] bool is_attached(unsigned ifindex);
    [[nodiscard]] AttachMode mode(unsigned ifindex) const;
    [[nodiscard]] std::vector<unsigned> interfaces() const;

  private:
    explicit Attachments(Pins pins) : pins_(std::move(pins)) {}

    struct Link {
        Fd fd;
        AttachMode mode = AttachMode::native;
    };
    Pins pins_;
    std::map<unsigned, Link> links_;
};

} // namespace glb::datapath
