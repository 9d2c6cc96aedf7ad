// A program of somebody else in an interface's tcx list, which runs before all tc filters.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "controller/util/fd.h"
#include "tests/harness/netns.h"

namespace glb::test {

enum class TcxCode : std::int32_t { next = -1, pass = 0, drop = 2 };
enum class TcxHook : std::uint8_t { ingress = 46, egress = 47 }; ///< BPF_TCX_INGRESS, BPF_TCX_EGRESS

/// Returns `code` for every packet. Detached by the destructor.
class TcxProgram {
  public:
    /// nullopt: this kernel has no tcx.
    [[nodiscard]] static std::optional<TcxProgram> attach(const Namespace &ns, const std::string &dev,
                                                          TcxCode code, const char *name = "foreign",
                                                          TcxHook hook = TcxHook::ingress) {
        const bpf_insn code_of[] = {
            {.code = BPF_ALU64 | BPF_MOV | BPF_K,
             .dst_reg = BPF_REG_0,
             .src_reg = 0,
             .off = 0,
             .imm = static_cast<std::int32_t>(code)},
            {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
        const auto ifindex = static_cast<int>(ns.ifindex(dev));
        const Fd program(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, name, "GPL", code_of, 2, nullptr));
        if (!program)
            throw std::runtime_error("cannot load a tc program");
        const auto type = static_cast<bpf_attach_type>(hook);
        Fd link(ns.call([&] { return bpf_link_create(program.get(), ifindex, type, nullptr); }));
        if (!link)
            return std::nullopt;
        return TcxProgram(std::move(link));
    }

  private:
    explicit TcxProgram(Fd link) : link_(std::move(link)) {}
    Fd link_;
};

} // namespace glb::test
