#include "controller/datapath/redirect_tracepoints.h"

#include <cerrno>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <glb_redirect.skel.h>

namespace glb::datapath {

struct RedirectTracepoints::State {
    glb_redirect *skeleton = nullptr;

    State() = default;
    State(const State &) = delete;
    State &operator=(const State &) = delete;
    ~State() { glb_redirect::destroy(skeleton); }
};

RedirectTracepoints::RedirectTracepoints(std::unique_ptr<State> state) : state_(std::move(state)) {}
RedirectTracepoints::RedirectTracepoints(RedirectTracepoints &&) noexcept = default;
RedirectTracepoints &RedirectTracepoints::operator=(RedirectTracepoints &&) noexcept = default;
RedirectTracepoints::~RedirectTracepoints() = default;

Result<RedirectTracepoints> RedirectTracepoints::attach(const DatapathHandles &handles) {
    bpf_map_info devices{};
    std::uint32_t size = sizeof devices;
    if (bpf_obj_get_info_by_fd(handles.map(Map::devmap), &devices, &size) != 0)
        return fail_errno(errno, "cannot read the info of glb_devmap");
    struct stat netns {};
    if (::stat("/proc/thread-self/ns/net", &netns) != 0)
        return fail_errno(errno, "cannot read the network namespace");
    auto state = std::make_unique<State>();
    state->skeleton = glb_redirect::open();
    if (!state->skeleton)
        return fail_errno(errno, "cannot open the redirect tracepoints");
    state->skeleton->rodata->glb_device_map_id = devices.id;
    state->skeleton->rodata->glb_network_namespace = static_cast<std::uint32_t>(netns.st_ino);
    int code = bpf_map__reuse_fd(state->skeleton->maps.glb_drops, handles.map(Map::drops));
    if (code == 0)
        code = bpf_map__reuse_fd(state->skeleton->maps.glb_control, handles.map(Map::control));
    if (code == 0)
        code = bpf_map__reuse_fd(state->skeleton->maps.glb_node, handles.map(Map::node));
    if (code == 0)
        code = glb_redirect::load(state->skeleton);
    if (code == 0)
        code = glb_redirect::attach(state->skeleton);
    if (code != 0)
        return fail_errno(-code, "cannot attach the redirect tracepoints");
    return RedirectTracepoints(std::move(state));
}

} // namespace glb::datapath
