#include "tests/unit/datapath/fake_kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <glb_redirect.skel.h>

namespace glb::test {

namespace {

FakeKernel *the_kernel = nullptr;

/// What libbpf would keep in its objects.
std::map<const bpf_map *, Fd> &map_fds() {
    static std::map<const bpf_map *, Fd> all;
    return all;
}

std::map<const bpf_program *, Fd> &program_fds() {
    static std::map<const bpf_program *, Fd> all;
    return all;
}

bool is_temporary(const char *path) {
    return the_kernel && std::string_view(path).starts_with("/tmp/glb-pins-");
}

void print(libbpf_print_fn_t function, libbpf_print_level level, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (function)
        function(level, format, arguments);
    va_end(arguments);
}

void print_log() {
    const auto function = libbpf_set_print(nullptr);
    libbpf_set_print(function);
    for (std::size_t at = 0; at < the_kernel->log.size(); at += 512)
        print(function, LIBBPF_WARN, "%s", the_kernel->log.substr(at, 512).c_str());
    print(function, LIBBPF_DEBUG, "%s", "a line of debugging output\n");
}

/// As libbpf requires it of a pinned map.
bool is_compatible(const FakeMap &pinned, const bpf_map &map) {
    const auto &shape = pinned.shape();
    return shape.type == bpf_map__type(&map) && shape.key_bytes == bpf_map__key_size(&map) &&
           shape.value_bytes == bpf_map__value_size(&map) && shape.rows == bpf_map__max_entries(&map);
}

/// An errno or 0. Adds the pin, if it is a new one, to `pinned`.
int create(const bpf_map &map, std::vector<std::string> &pinned) {
    if (map_fds().contains(&map)) // reused
        return 0;
    const char *pin = bpf_map__pin_path(&map);
    if (Fd fd(pin ? bpf_obj_get(pin) : -1); fd) {
        const auto *found = find_fake<FakeMap>(fd.get());
        if (!found || !is_compatible(*found, map))
            return EINVAL;
        map_fds()[&map] = std::move(fd);
        return 0;
    }
    if (pin && errno != ENOENT)
        return errno;
    const std::string name = bpf_map__name(&map);
    if (!operations().begin("create " + name))
        return errno;
    auto &created = the_kernel->create_map({name, bpf_map__type(&map), bpf_map__key_size(&map),
                                            bpf_map__value_size(&map), bpf_map__max_entries(&map)});
    map_fds()[&map] = created.duplicate();
    if (pin) {
        if (bpf_obj_pin(created.fd(), pin) != 0)
            return errno;
        pinned.emplace_back(pin);
    }
    return 0;
}

/// An errno or 0.
int load(const bpf_object_skeleton &skeleton, std::vector<std::string> &pinned) {
    std::vector<std::uint32_t> ids;
    for (int i = 0; i < skeleton.map_cnt; ++i) {
        const bpf_map &map = **skeleton.maps[i].map;
        if (bpf_map__is_internal(&map))
            continue;
        if (const int code = create(map, pinned); code != 0)
            return code;
        ids.push_back(FakeObject::find(map_fds().at(&map).get())->id());
    }
    if (!operations().begin(std::string("load ") + skeleton.name))
        return errno;
    for (int i = 0; i < skeleton.prog_cnt; ++i) {
        // The tag is that of the instructions, which the constants are no part of.
        auto &program = the_kernel->create_program(99, ids);
        program_fds()[*skeleton.progs[i].prog] = program.duplicate();
    }
    return 0;
}

void record_load(const bpf_object_skeleton &skeleton) {
    const void *constants = nullptr;
    for (int i = 0; i < skeleton.map_cnt; ++i)
        if (skeleton.maps[i].mmaped && std::string(skeleton.maps[i].name).ends_with(".rodata"))
            constants = *skeleton.maps[i].mmaped;
    if (std::string(skeleton.name) == "glb_xdp") {
        auto &loaded = the_kernel->loads.emplace_back();
        std::memcpy(&loaded.constants, constants, sizeof loaded.constants);
        loaded.program = find_fake<FakeProgram>(program_fds().at(*skeleton.progs[0].prog).get());
        return;
    }
    glb_redirect::glb_redirect__rodata watched{};
    std::memcpy(&watched, constants, sizeof watched);
    the_kernel->watched_device_map = watched.glb_device_map_id;
    the_kernel->watched_namespace = watched.glb_network_namespace;
    the_kernel->watched_drops = FakeObject::find(map_fds().at(*skeleton.maps[0].map).get())->id();
}

} // namespace

FakeKernel::FakeKernel() {
    the_kernel = this;
    operations().reset();
}

FakeKernel::~FakeKernel() {
    the_kernel = nullptr;
}

FakeKernel *FakeKernel::current() {
    return the_kernel;
}

FakeMap &FakeKernel::create_map(MapShape shape) {
    auto map = std::make_unique<FakeMap>(std::move(shape));
    auto &created = *map;
    objects_.push_back(std::move(map));
    return created;
}

FakeProgram &FakeKernel::create_program(std::uint8_t tag, std::vector<std::uint32_t> map_ids) {
    auto program = std::make_unique<FakeProgram>(tag, std::move(map_ids));
    auto &created = *program;
    objects_.push_back(std::move(program));
    return created;
}

} // namespace glb::test

using namespace glb::test;

extern "C" {

int bpf_map__reuse_fd(struct bpf_map *map, int fd) {
    const auto *object = find_fake<FakeMap>(fd);
    if (!object)
        return -errno;
    if (!operations().begin(std::string("reuse ") + bpf_map__name(map)))
        return -errno;
    map_fds()[map] = object->duplicate();
    return 0;
}

int bpf_map__fd(const struct bpf_map *map) {
    const auto found = map_fds().find(map);
    return found == map_fds().end() ? -EINVAL : found->second.get();
}

int bpf_program__fd(const struct bpf_program *program) {
    const auto found = program_fds().find(program);
    return found == program_fds().end() ? -ENOENT : found->second.get();
}

int bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton) {
    std::vector<std::string> pinned;
    if (const int code = load(*skeleton, pinned); code != 0) {
        for (const auto &pin : pinned)
            ::unlink(pin.c_str());
        print_log();
        return -code;
    }
    record_load(*skeleton);
    ++the_kernel->open_skeletons;
    return 0;
}

int bpf_object__attach_skeleton(struct bpf_object_skeleton *skeleton) {
    for (int i = 0; i < skeleton->prog_cnt; ++i) {
        if (!operations().begin(std::string("attach ") + skeleton->progs[i].name))
            return -errno;
        ++the_kernel->attached_tracepoints;
    }
    return 0;
}

void __real_bpf_object__destroy_skeleton(struct bpf_object_skeleton *skeleton);
void __wrap_bpf_object__destroy_skeleton(struct bpf_object_skeleton *skeleton) {
    if (skeleton && the_kernel) {
        for (int i = 0; i < skeleton->map_cnt; ++i)
            map_fds().erase(*skeleton->maps[i].map);
        bool is_loaded = false;
        for (int i = 0; i < skeleton->prog_cnt; ++i)
            is_loaded = program_fds().erase(*skeleton->progs[i].prog) != 0 || is_loaded;
        if (is_loaded) {
            --the_kernel->open_skeletons;
            if (std::string(skeleton->name) == "glb_redirect")
                the_kernel->attached_tracepoints = 0;
        }
    }
    __real_bpf_object__destroy_skeleton(skeleton);
}

int __real_statfs(const char *path, struct statfs *info);
int __wrap_statfs(const char *path, struct statfs *info) {
    const int code = __real_statfs(path, info);
    if (code == 0 && is_temporary(path))
        info->f_type = BPF_FS_MAGIC;
    return code;
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path) {
    const auto name = std::string(path);
    struct stat info {};
    if (is_temporary(path) && ::lstat(path, &info) == 0 &&
        !operations().begin("unlink " + name.substr(name.rfind('/') + 1)))
        return -1;
    return __real_unlink(path);
}

// std::filesystem::remove() calls it.
int remove(const char *path) noexcept {
    struct stat info {};
    if (::lstat(path, &info) != 0)
        return -1;
    return S_ISDIR(info.st_mode) ? ::rmdir(path) : ::unlink(path);
}

} // extern "C"
