#include "controller/datapath/pin_repair.h"

#include <unistd.h>

#include <bpf/bpf.h>

namespace glb::datapath {

Result<bool> pin_if_missing(int fd, const std::filesystem::path &pin) {
    if (::access(pin.c_str(), F_OK) == 0)
        return false;
    if (bpf_obj_pin(fd, pin.c_str()) != 0)
        return fail_errno(errno, "cannot pin {} again", pin.string());
    return true;
}

Result<std::vector<std::string>> restore_map_pins(const DatapathHandles &handles) {
    std::vector<std::string> restored;
    if (!handles.pins())
        return restored;
    const auto &pins = *handles.pins();
    GLB_TRY(pins.make_all());
    for (const auto map : all_maps) {
        if (contains(maps_not_pinned, map))
            continue;
        GLB_ASSIGN(const bool was_missing, pin_if_missing(handles.map(map), pins.map(map)));
        if (was_missing)
            restored.push_back(pins.map(map).string());
    }
    return restored;
}

} // namespace glb::datapath
