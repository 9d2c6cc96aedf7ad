#include "tests/unit/guard/fake_loader.h"

#include <cerrno>
#include <cstring>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace glb::test {

namespace {
FakeLoader *current = nullptr;
}

void FakeTcProgram::read_info(void *info) const {
    bpf_prog_info all{};
    all.id = id();
    all.type = BPF_PROG_TYPE_SCHED_CLS;
    std::memcpy(info, &all, sizeof all);
}

FakeLoader::FakeLoader() {
    current = this;
    operations().reset();
}

FakeLoader::~FakeLoader() {
    current = nullptr;
}

FakeMap &FakeLoader::create(const MapShape &shape) {
    auto map = std::make_unique<FakeMap>(shape);
    auto &created = *map;
    objects_.push_back(std::move(map));
    return created;
}

FakeMap *FakeLoader::pinned(const std::string &file) {
    const Fd fd(bpf_obj_get(file.c_str()));
    return fd ? find_fake<FakeMap>(fd.get()) : nullptr;
}

int FakeLoader::load_map(const bpf_map &map) {
    const MapShape shape{bpf_map__name(&map), bpf_map__type(&map), bpf_map__key_size(&map),
                         bpf_map__value_size(&map), bpf_map__max_entries(&map)};
    const char *pin = bpf_map__pin_path(&map);
    if (auto *existing = pin ? pinned(pin) : nullptr) {
        const auto &other = existing->shape();
        if (other.type != shape.type || other.key_bytes != shape.key_bytes ||
            other.value_bytes != shape.value_bytes || other.rows != shape.rows)
            return -EINVAL;
        loaded_[&map] = existing;
        return 0;
    }
    const auto &created = create(shape);
    loaded_[&map] = &created;
    return pin && bpf_obj_pin(created.fd(), pin) != 0 ? -errno : 0;
}

int FakeLoader::load(const bpf_object_skeleton &skeleton) {
    if (!operations().begin("load"))
        return -errno;
    for (int i = 0; i < skeleton.map_cnt; ++i)
        if (const int error = load_map(**skeleton.maps[i].map))
            return error;
    for (int i = 0; i < skeleton.prog_cnt; ++i) {
        objects_.push_back(std::make_unique<FakeTcProgram>());
        loaded_[*skeleton.progs[i].prog] = objects_.back().get();
    }
    return 0;
}

int FakeLoader::fd_of(const void *map_or_program) const {
    const auto found = loaded_.find(map_or_program);
    return found == loaded_.end() ? -1 : found->second->fd();
}

} // namespace glb::test

using glb::test::current;

extern "C" {

int bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton) {
    return current->load(*skeleton);
}
int bpf_map__fd(const struct bpf_map *map) {
    return current->fd_of(map);
}
int bpf_program__fd(const struct bpf_program *program) {
    return current->fd_of(program);
}

} // extern "C"
