#include "controller/guard/tcx.h"

#include <array>

#include <bpf/bpf.h>

#include "controller/util/fd.h"

namespace glb::guard {
namespace {

constexpr auto tcx_ingress =
    static_cast<bpf_attach_type>(46); // BPF_TCX_INGRESS, newer than the oldest headers

/// Needs CAP_SYS_ADMIN, which the daemon drops.
std::string name_of(std::uint32_t id) {
    const Fd program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0)
        return {};
    return info.name;
}

} // namespace

std::vector<TcxProgram> list_tcx(unsigned ifindex) {
    std::array<std::uint32_t, 64> ids{};
    std::uint32_t flags = 0, count = ids.size();
    std::vector<TcxProgram> programs;
    if (bpf_prog_query(static_cast<int>(ifindex), tcx_ingress, 0, &flags, ids.data(), &count) != 0)
        return programs;
    for (std::uint32_t i = 0; i < count && i < ids.size(); ++i)
        programs.push_back({ids[i], name_of(ids[i])});
    return programs;
}

} // namespace glb::guard
