// RedirectTracepoints: counts packets that the kernel drops after an XDP redirect (`redirect_failed`), and punted ones
// that the host's firewall drops (`host_firewall`).
#pragma once

#include <memory>

#include "controller/datapath/handles.h"
#include "controller/util/result.h"

namespace glb::datapath {

class RedirectTracepoints {
  public:
    /// Attached to the kernel's tracepoints for the lifetime of the object, for devices of the calling
    /// thread's network namespace. Fails without the kernel's BTF or the permission to trace; the data path
    /// works without it.
    [[nodiscard]] static Result<RedirectTracepoints> attach(const DatapathHandles &handles);

    RedirectTracepoints(RedirectTracepoints &&) noexcept;
    RedirectTracepoints &operator=(RedirectTracepoints &&) noexcept;
    ~RedirectTracepoints();

  private:
    struct State;
    explicit RedirectTracepoints(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace glb::datapath
