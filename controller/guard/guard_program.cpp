#include "controller/guard/guard_program.h"

#include <algorithm>
#include <set>

#include <abi/config.h>
#include <abi/probe.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <glb_guard.skel.h>
#include <unistd.h>

#include "controller/util/files.h"

namespace glb::guard {
namespace {

constexpr const char *map_names[] = {"glb_guard_ports", "glb_guard_endpoints", "glb_guard_magic",
                                     "glb_guard_tailcalls"};
/// Pinned by earlier versions.
constexpr const char *former_map_names[] = {"glb_guard_marks"};

Status set_pins(glb_guard &skeleton, const std::filesystem::path &folder) {
    for (const auto *name : map_names) {
        auto *map = bpf_object__find_map_by_name(skeleton.obj, name);
        if (!map)
            return fail("the guard program has no map {}", name);
        if (const int error = bpf_map__set_pin_path(map, (folder / name).c_str()))
            return fail_errno(-error, "cannot pin {} in {}", name, folder.string());
    }
    return {};
}

} // namespace

GuardProgram::GuardProgram(glb_guard *skeleton) : skeleton_(skeleton) {}
GuardProgram::GuardProgram(GuardProgram &&) noexcept = default;
GuardProgram &GuardProgram::operator=(GuardProgram &&) noexcept = default;
GuardProgram::~GuardProgram() = default;
void GuardProgram::Destroy::operator()(glb_guard *skeleton) const {
    glb_guard__destroy(skeleton);
}

int GuardProgram::fd() const {
    return bpf_program__fd(skeleton_->progs.glb_guard);
}
std::uint32_t GuardProgram::mark_mask() const {
    return skeleton_->rodata->glb_guard_mask;
}

Result<GuardProgram> GuardProgram::load(const std::filesystem::path &folder, std::uint32_t mark_mask,
                                        bool fresh) {
    GLB_TRY(make_folders(folder));
    if (fresh)
        GLB_TRY(unpin(folder));
    for (const bool is_retry : {false, true}) {
        auto *skeleton = glb_guard__open();
        if (!skeleton)
            return fail_errno(errno, "cannot open the guard program");
        GuardProgram program(skeleton);
        skeleton->rodata->glb_guard_mask = mark_mask;
        GLB_TRY(set_pins(*skeleton, folder));
        if (const int error = glb_guard__load(skeleton)) {
            if (error == -EINVAL && !is_retry) { // pinned by another version with another layout
                GLB_TRY(unpin(folder));
                continue;
            }
            return fail_errno(-error, "cannot load the guard program");
        }
        bpf_prog_info info{};
        __u32 size = sizeof info;
        if (bpf_obj_get_info_by_fd(program.fd(), &info, &size) != 0)
            return fail_errno(errno, "cannot read the id of the guard program");
        program.id_ = info.id;
        return program;
    }
    return fail("cannot load the guard program");
}

Status GuardProgram::write_endpoints(const std::map<std::uint16_t, PuntDevice> &devices) {
    for (std::uint32_t index = 0; index < GLB_MAX_ENDPOINTS; ++index) {
        glb_guard_endpoint row{};
        if (const auto found = devices.find(static_cast<std::uint16_t>(index)); found != devices.end()) {
            const auto &device = found->second;
            row.mark = device.mark;
            row.ifindex = device.ifindex;
            std::ranges::copy(device.mac.bytes, row.mac);
            row.flags = device.is_filtered ? GLB_GUARD_FILTERED : 0;
        }
        if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.glb_guard_endpoints), &index, &row, BPF_ANY) != 0)
            return fail_errno(errno, "cannot write an endpoint of the guard");
    }
    return {};
}

Status GuardProgram::write_ports(const plan::GuardPlan &plan) {
    const int ports = bpf_map__fd(skeleton_->maps.glb_guard_ports);
    std::set<std::uint64_t> stale;
    std::uint64_t key = 0, next = 0;
    for (bool first = true; bpf_map_get_next_key(ports, first ? nullptr : &key, &next) == 0; first = false)
        stale.insert(key = next);
    if (errno != ENOENT)
        return fail_errno(errno, "cannot read the interfaces of the guard");
    for (const auto &port : plan.ports) {
        if (!port.is_guarded() || !port.ifindex)
            continue;
        key = glb_logical_port_key(port.ifindex, port.vlans[0], port.vlans[1]);
        const glb_guard_port value{plan::guard_mark(plan.mark_mask), 0};
        if (bpf_map_update_elem(ports, &key, &value, BPF_ANY) != 0)
            return fail_errno(errno, "cannot add interface {} to the guard", port.ifindex);
        stale.erase(key);
    }
    for (const auto port : stale)
        if (bpf_map_delete_elem(ports, &port) != 0 && errno != ENOENT)
            return fail_errno(errno, "cannot remove an interface from the guard");
    return {};
}

Status GuardProgram::set_magic(std::uint32_t magic) {
    const std::uint32_t zero = 0;
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.glb_guard_magic), &zero, &magic, BPF_ANY) != 0)
        return fail_errno(errno, "cannot write the punt magic");
    return {};
}

Status GuardProgram::unpin(const std::filesystem::path &folder) {
    const auto unpin_all = [&](const auto &names) -> Status {
        for (const auto *name : names)
            if (::unlink((folder / name).c_str()) != 0 && errno != ENOENT)
                return fail_errno(errno, "cannot unpin {} in {}", name, folder.string());
        return {};
    };
    GLB_TRY(unpin_all(map_names));
    return unpin_all(former_map_names);
}

} // namespace glb::guard
