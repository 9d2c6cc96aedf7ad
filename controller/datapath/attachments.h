// Attachments: the program on its interfaces, by pinned links that are replaced in place.
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

/// What an interface carries as XDP program.
struct AttachedProgram {
    std::uint32_t program_id = 0; ///< 0: nothing
    bool native = true;
    std::string name; ///< as libxdp knows it; empty where looking up by id is not permitted
    std::string tag;  ///< the same, 16 hex digits
};

[[nodiscard]] Result<AttachedProgram> carried_by(unsigned ifindex);

/// Calls `put` with each of `order`; where one fails, `put_back` with those before it, the last one first.
/// What cannot be put back is told in the error.
[[nodiscard]] Status all_or_none(const std::vector<unsigned> &order,
                                 const std::function<Status(unsigned)> &put,
                                 const std::function<Status(unsigned)> &put_back);

class Attachments {
  public:
    /// Adopts the links that an earlier daemon pinned; the pin of a dead link (its interface is gone) is
    /// dropped. `pins` is the set whose programs are attached from now on.
    [[nodiscard]] static Result<Attachments> open(Pins pins);

    /// The programs attached from now on are of another set.
    void use(Pins pins) { pins_ = std::move(pins); }

    /// Puts the program into every link, in place: no packet is lost, none goes by. `first` (an interface's
    /// index) comes before the others. Where a link refuses, those before it get back what they had, of
    /// `former`. Unless `always`, a link that runs the same instructions keeps its own: settings and maps are
    /// the pinned ones for both. A program is pinned in its set before any link holds it, and unpinned when
    /// none does.
    [[nodiscard]] Status replace_program(int program, const ProgramFds &former, unsigned first = 0,
                                         bool always = false);

    /// Attaches where we are not yet, by a link that is pinned before anything else can fail. EBUSY where the
    /// interface carries another's program.
    [[nodiscard]] Status attach(unsigned ifindex, const std::string &name, AttachMode mode, int program);
    [[nodiscard]] Status detach(unsigned ifindex);

    /// Whether our link there is alive; a dead one is dropped.
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
