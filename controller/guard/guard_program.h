// GuardProgram: the loaded tc program and its maps. The maps are pinned, so that a restarted daemon writes
// the maps that the active filters read.
#pragma once

#include <filesystem>
#include <memory>

#include "controller/guard/punt_devices.h"
#include "controller/plan/guard_plan.h"

struct glb_guard;

namespace glb::guard {

class GuardProgram {
  public:
    /// Loads the program with this mask. Reuses maps pinned in `folder` (on a bpffs), unless `fresh` is set
    /// or their layout differs; then new maps are pinned.
    [[nodiscard]] static Result<GuardProgram> load(const std::filesystem::path &folder,
                                                   std::uint32_t mark_mask, bool fresh);
    GuardProgram(GuardProgram &&) noexcept;
    GuardProgram &operator=(GuardProgram &&) noexcept;
    ~GuardProgram();

    [[nodiscard]] int fd() const;
    [[nodiscard]] std::uint32_t id() const { return id_; }
    [[nodiscard]] std::uint32_t mark_mask() const;

    /// Writes the plan's ports, then removes other ports, so that remaining ports are marked throughout.
    [[nodiscard]] Status write_ports(const plan::GuardPlan &plan);
    /// Writes the rows of these endpoints, and clears all others.
    [[nodiscard]] Status write_endpoints(const std::map<std::uint16_t, PuntDevice> &devices);
    [[nodiscard]] Status set_magic(std::uint32_t magic);

    /// Removes the pins. The maps exist as long as a filter uses them.
    [[nodiscard]] static Status unpin(const std::filesystem::path &folder);

  private:
    struct Destroy {
        void operator()(glb_guard *skeleton) const;
    };
    explicit GuardProgram(glb_guard *skeleton);

    std::unique_ptr<glb_guard, Destroy> skeleton_;
    std::uint32_t id_ = 0;
};

} // namespace glb::guard
