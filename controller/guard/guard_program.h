// GuardProgram: the loaded tc program and its maps, which are pinned so that a restarted daemon writes the
// very maps that the live filters read.
#pragma once

#include <filesystem>
#include <memory>

#include "controller/plan/guard_plan.h"

struct glb_guard;

namespace glb::guard {

class GuardProgram {
  public:
    /// Loads the program with this mask. Maps pinned in `folder` (on a bpffs) are taken over as they are;
    /// where `fresh` is set, or they are of another shape, new ones take their pins.
    [[nodiscard]] static Result<GuardProgram> load(const std::filesystem::path &folder,
                                                   std::uint32_t mark_mask, bool fresh);
    GuardProgram(GuardProgram &&) noexcept;
    GuardProgram &operator=(GuardProgram &&) noexcept;
    ~GuardProgram();

    [[nodiscard]] int fd() const;
    [[nodiscard]] std::uint32_t id() const { return id_; }
    [[nodiscard]] std::uint32_t mark_mask() const;

    /// Writes marks and ports of the plan, then takes away the ports that it does not have: a port that stays
    /// is marked at every moment.
    [[nodiscard]] Status write(const GuardPlan &plan);
    [[nodiscard]] Status set_magic(std::uint32_t magic);

    /// Takes the pins away. The maps live as long as a filter does.
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
