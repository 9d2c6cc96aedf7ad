// RedirectWatch: counts what the kernel loses behind XDP's redirect, as the drop `redirect_failed`.
#pragma once

#include <memory>

#include "controller/datapath/program.h"
#include "controller/util/result.h"

namespace glb::datapath {

class RedirectWatch {
  public:
    /// Attaches to the kernel's tracepoints for as long as the object lives, in the calling thread's network
    /// namespace. Without the kernel's BTF or the permission to trace it fails, and nothing else suffers.
    [[nodiscard]] static Result<RedirectWatch> attach(const Program &program);

    RedirectWatch(RedirectWatch &&) noexcept;
    RedirectWatch &operator=(RedirectWatch &&) noexcept;
    ~RedirectWatch();

  private:
    struct State;
    explicit RedirectWatch(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace glb::datapath
