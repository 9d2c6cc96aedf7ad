#include "appliance/mark.h"

#include <array>
#include <cstddef>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "controller/util/fd.h"

namespace glb::appliance {
namespace {

bpf_insn instruction(unsigned code, unsigned target, unsigned source, std::size_t offset,
                     std::int32_t value) {
    bpf_insn result{};
    result.code = static_cast<std::uint8_t>(code);
    result.dst_reg = target & 0xf;
    result.src_reg = source & 0xf;
    result.off = static_cast<std::int16_t>(offset);
    result.imm = value;
    return result;
}

/// skb->mark = mark; return TC_ACT_UNSPEC (continue with the next filter; without one, accept).
Result<Fd> load_program(std::uint32_t mark) {
    const std::array program{
        instruction(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, static_cast<std::int32_t>(mark)),
        instruction(BPF_STX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_2, offsetof(__sk_buff, mark), 0),
        instruction(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, TC_ACT_UNSPEC),
        instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    const int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "glb_mark", "Apache-2.0", program.data(),
                                 program.size(), nullptr);
    if (fd < 0)
        return fail_errno(-fd, "cannot load the marking program (requires CAP_BPF and CAP_NET_ADMIN)");
    return Fd(fd);
}

} // namespace

Status mark_ingress(const std::string &device, unsigned ifindex, std::uint32_t mark) {
    libbpf_set_print(nullptr); // errors are reported by the return code
    GLB_ASSIGN(const auto program, load_program(mark));

    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = BPF_TC_INGRESS;
    if (const int code = bpf_tc_hook_create(&hook); code != 0 && code != -EEXIST)
        return fail_errno(-code, "{}: cannot add the qdisc clsact", device);

    bpf_tc_opts filter{};
    filter.sz = sizeof filter;
    filter.prog_fd = program.get();
    filter.handle = 1;
    filter.priority = 1;
    filter.flags = BPF_TC_F_REPLACE;
    if (const int code = bpf_tc_attach(&hook, &filter); code != 0)
        return fail_errno(-code, "{}: cannot attach the marking filter", device);
    return {};
}

} // namespace glb::appliance
