#include "controller/datapath/loader.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <string>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <glb_xdp.skel.h>

#include "controller/util/fd.h"

namespace glb::datapath {

namespace {

struct SkeletonDelete {
    void operator()(glb_xdp *skeleton) const { glb_xdp::destroy(skeleton); }
};
using Skeleton = std::unique_ptr<glb_xdp, SkeletonDelete>;

/// Output of libbpf and the verifier during a load of this thread, for the error.
std::string &load_log() {
    static thread_local std::string log;
    return log;
}

[[gnu::format(printf, 2, 0)]] int capture_log(enum libbpf_print_level level, const char *format,
                                              va_list arguments) {
    if (level == LIBBPF_DEBUG)
        return 0;
    char line[1024];
    std::vsnprintf(line, sizeof line, format, arguments);
    auto &log = load_log();
    log += line;
    if (log.size() > 16384)
        log.erase(0, log.size() - 16384);
    return 0;
}

/// Pins every map but constants, per-CPU scratch space and the previous flow table, which end with the program. An
/// errno or 0.
int set_pins(glb_xdp &skeleton, const Pins &pins) {
    bpf_map *map = nullptr;
    bpf_object__for_each_map(map, skeleton.obj) {
        const std::string name = bpf_map__name(map);
        if (bpf_map__is_internal(map) ||
            std::ranges::any_of(maps_not_pinned, [&](Map other) { return name == to_string(other); }))
            continue;
        // The kernel adds a flag to device maps, which libbpf's comparison with a pinned map then rejects.
        if (bpf_map__type(map) == BPF_MAP_TYPE_DEVMAP_HASH) {
            const Fd pinned(bpf_obj_get(pins.map(name).c_str()));
            if (pinned) {
                if (const int code = bpf_map__reuse_fd(map, pinned.get()); code != 0)
                    return -code;
                continue;
            }
        }
        if (const int code = bpf_map__set_pin_path(map, pins.map(name).c_str()); code != 0)
            return -code;
    }
    return 0;
}

/// An errno or 0.
int configure_and_load(glb_xdp &skeleton, const LoadSettings &settings, const std::optional<Pins> &pins,
                       const std::optional<MigrationSource> &source) {
    auto &constants = skeleton.rodata->glb_settings;
    std::copy(settings.table_key.begin(), settings.table_key.end(), constants.table_key.word);
    constants.bucket_mask = settings.capacity / GLB_FLOW_WAYS - 1;
    constants.punt_magic = settings.punt_magic;
    bpf_map__set_max_entries(skeleton.maps.glb_flows_hot, settings.capacity);
    bpf_map__set_max_entries(skeleton.maps.glb_flows_cold, settings.capacity);
    bpf_map__set_max_entries(skeleton.maps.glb_target_counts, TargetCounts::rows());
    if (pins)
        if (const int code = set_pins(skeleton, *pins); code != 0)
            return code;
    if (source) { // last: libbpf renames the map to what the kernel calls it, which is glb_flows_hot
        if (const int code = bpf_map__reuse_fd(skeleton.maps.glb_flows_prev, source->table); code != 0)
            return -code;
        skeleton.rodata->glb_prev_shape = source->shape;
    }
    return -glb_xdp::load(&skeleton);
}

Fd duplicate(int fd) {
    return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

DatapathHandles::MapFds map_descriptors(const glb_xdp &skeleton) {
    DatapathHandles::MapFds fds;
#define GLB_DATAPATH_MAP(name)                                                                               \
    fds[static_cast<std::size_t>(Map::name)] = duplicate(bpf_map__fd(skeleton.maps.glb_##name));
    GLB_DATAPATH_MAPS(GLB_DATAPATH_MAP)
#undef GLB_DATAPATH_MAP
    return fds;
}

} // namespace

Result<DatapathHandlesPtr> load(const LoadSettings &settings, const std::optional<Pins> &pins,
                                const std::optional<MigrationSource> &source) {
    if (settings.capacity != round_capacity(settings.capacity))
        return fail("flow table capacity {} is not a power of two from {} to {}", settings.capacity,
                    GLB_FLOW_MIN_CAPACITY, GLB_FLOW_MAX_CAPACITY);
    if (settings.punt_magic == 0)
        return fail("the magic of the punt path must not be 0");
    load_log().clear();
    const auto previous_print = libbpf_set_print(capture_log);
    const Skeleton skeleton(glb_xdp::open());
    const int code = skeleton ? configure_and_load(*skeleton, settings, pins, source) : errno;
    libbpf_set_print(previous_print);
    if (code != 0)
        return fail_errno(code, "cannot load the XDP program; libbpf's log:\n{}", load_log());
    auto maps = map_descriptors(*skeleton);
    auto program = duplicate(bpf_program__fd(skeleton->progs.glb_xdp));
    if (!program || std::any_of(maps.begin(), maps.end(), [](const Fd &fd) { return !fd; }))
        return fail_errno(errno, "cannot duplicate the descriptors of the XDP program");
    return DatapathHandles::make(std::move(program), std::move(maps), settings, pins);
}

} // namespace glb::datapath
