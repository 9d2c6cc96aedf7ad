// RedirectTracepoints: counts what the kernel loses behind XDP's redirect, as the drop `redirect_failed`.
#pragma once

#include <memory>

#include "controller/datapath/program.h"
#include "controller/util/result.h"

namespace glb::datapath {

class RedirectTracepoints {
  public:
    /// Attaches to the kernel's tracepoints for as long as the object lives, in the calling thread's network
    /// namespace. Without the kernel's BTF or the permission to trace it fails, and nothing else suffers.
    [[nodiscard]] static Result<RedirectTracepoints> attach(const Program &program);

    RedirectTracepoints(RedirectTracepoints &&) noexcept;
    RedirectTracepoints &operator=(RedirectTracepoints &&) noexcept;
    ~RedirectTracepoints();

  private:
    struct State;
    explicit RedirectTracepoints(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace glb::datapath
