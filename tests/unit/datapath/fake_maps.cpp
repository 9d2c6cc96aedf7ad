#include "tests/unit/datapath/fake_maps.h"

#include <algorithm>
#include <cerrno>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <glb_xdp.skel.h>

namespace glb::test {

namespace {

using datapath::Map;

bool is_per_cpu(bpf_map_type type) {
    return type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/// Created by the code under test; they live until the FakeMaps that refer to them are gone.
std::vector<std::unique_ptr<FakeMap>> &created_maps() {
    static std::vector<std::unique_ptr<FakeMap>> all;
    return all;
}

MapShape shape_of(const bpf_map &map) {
    return {bpf_map__name(&map), bpf_map__type(&map), bpf_map__key_size(&map), bpf_map__value_size(&map),
            bpf_map__max_entries(&map)};
}

/// The shape that the loader gives the map: two are sized at load.
MapShape loaded_shape(const bpf_map &map) {
    auto shape = shape_of(map);
    if (shape.name == to_string(Map::target_counts))
        shape.rows = datapath::TargetCounts::rows();
    return shape;
}

std::uint32_t number(const void *key) {
    std::uint32_t value = 0;
    std::memcpy(&value, key, sizeof value);
    return value;
}

int failure(int code) {
    errno = code;
    return code == 0 ? 0 : -1;
}

} // namespace

FakeMap::FakeMap(MapShape shape)
    : FakeObject((shape.value_bytes + 7) / 8 * 8 * (is_per_cpu(shape.type) ? fake_cpus : 1) *
                 std::size_t{shape.rows}),
      shape_(std::move(shape)),
      row_bytes_((shape_.value_bytes + 7) / 8 * 8 * (is_per_cpu(shape_.type) ? fake_cpus : 1)) {
    if (!is_hash() && shape_.value_bytes != 0)
        array_ =
            datapath::Mapped<std::byte>::map(fd(), row_bytes_ * shape_.rows, shape_.name.c_str()).value();
}

bool FakeMap::is_hash() const {
    return shape_.type == BPF_MAP_TYPE_HASH || shape_.type == BPF_MAP_TYPE_LPM_TRIE ||
           shape_.type == BPF_MAP_TYPE_DEVMAP_HASH;
}

void FakeMap::read_info(void *info) const {
    bpf_map_info all{};
    all.id = id();
    all.type = shape_.type;
    all.key_size = shape_.key_bytes;
    all.value_size = shape_.value_bytes;
    all.max_entries = shape_.rows;
    shape_.name.copy(all.name, sizeof all.name - 1);
    std::memcpy(info, &all, sizeof all);
}

std::byte *FakeMap::find_row(const void *key) {
    if (is_hash()) {
        const auto *bytes = static_cast<const std::byte *>(key);
        if (const auto found = hash_.find({bytes, bytes + shape_.key_bytes}); found != hash_.end())
            return found->second.data();
    } else if (number(key) < shape_.rows) {
        return array_.data() + row_bytes_ * number(key);
    }
    errno = ENOENT;
    return nullptr;
}

int FakeMap::write_row(const void *key, const void *value) {
    const auto *from = static_cast<const std::byte *>(value);
    const auto size = is_per_cpu(shape_.type) ? row_bytes_ : shape_.value_bytes;
    if (auto *row = find_row(key)) {
        std::memcpy(row, from, size);
        return 0;
    }
    if (!is_hash() || hash_.size() >= shape_.rows)
        return E2BIG;
    const auto *bytes = static_cast<const std::byte *>(key);
    hash_[{bytes, bytes + shape_.key_bytes}] = {from, from + size};
    return 0;
}

int FakeMap::erase_row(const void *key) {
    const auto *bytes = static_cast<const std::byte *>(key);
    if (!is_hash())
        return EINVAL;
    return hash_.erase({bytes, bytes + shape_.key_bytes}) ? 0 : ENOENT;
}

int FakeMap::next_key(const void *key, void *next) {
    if (keys_error != 0 && keys_until_error-- == 0)
        return std::exchange(keys_error, 0);
    const auto *bytes = static_cast<const std::byte *>(key);
    auto found = key ? hash_.find({bytes, bytes + shape_.key_bytes}) : hash_.end();
    found = found == hash_.end() ? hash_.begin() : std::next(found); // an absent key is followed by the first
    if (found == hash_.end())
        return ENOENT;
    std::memcpy(next, found->first.data(), shape_.key_bytes);
    return 0;
}

std::string FakeMap::describe(const void *key) const {
    return shape_.name + (shape_.key_bytes == 4 ? fmt::format("[{}]", number(key)) : "[]");
}

FakeMaps::FakeMaps() {
    const std::unique_ptr<glb_xdp, void (*)(glb_xdp *)> program(glb_xdp::open(), glb_xdp::destroy);
    bpf_map *map = nullptr;
    bpf_object__for_each_map(map, program->obj) {
        for (const auto each : datapath::all_maps)
            if (std::string(to_string(each)) == bpf_map__name(map))
                maps_[static_cast<std::size_t>(each)] = std::make_unique<FakeMap>(loaded_shape(*map));
    }
    operations().reset();
}

FakeMaps::~FakeMaps() {
    created_maps().clear();
}

datapath::DatapathHandles::MapFds FakeMaps::descriptors() const {
    datapath::DatapathHandles::MapFds fds;
    for (const auto map : datapath::all_maps)
        fds[static_cast<std::size_t>(map)] = (*this)[map].duplicate();
    return fds;
}

datapath::DatapathHandlesPtr FakeMaps::handles(std::optional<datapath::Pins> pins) const {
    datapath::LoadSettings settings;
    settings.capacity = GLB_FLOW_MIN_CAPACITY;
    settings.punt_magic = 1;
    return datapath::DatapathHandles::make({}, descriptors(), settings, std::move(pins)).value();
}

FakeMap *FakeMaps::table(std::uint32_t index) const {
    return dynamic_cast<FakeMap *>(FakeObject::find_id(row<std::uint32_t>(Map::maglev, index)));
}

} // namespace glb::test

using namespace glb::test;

extern "C" {

int libbpf_num_possible_cpus() {
    return fake_cpus;
}

int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_bytes, __u32 value_bytes, __u32 rows,
                   const struct bpf_map_create_opts *) {
    if (!operations().begin(std::string("create ") + name))
        return -1;
    auto &all = created_maps();
    all.push_back(std::make_unique<FakeMap>(MapShape{name, type, key_bytes, value_bytes, rows}));
    return all.back()->duplicate().release();
}

int bpf_map_lookup_elem(int fd, const void *key, void *value) {
    auto *map = find_fake<FakeMap>(fd);
    if (!map)
        return -1;
    if (map->read_error != 0)
        return failure(map->read_error);
    const auto *row = map->find_row(key);
    const bool is_inner = map->shape().type == BPF_MAP_TYPE_ARRAY_OF_MAPS;
    if (!row || (is_inner && std::all_of(row, row + 4, [](auto byte) { return byte == std::byte{}; })))
        return failure(ENOENT);
    std::memcpy(value, row,
                map->shape().type == BPF_MAP_TYPE_PERCPU_ARRAY ? map->row_bytes() : map->shape().value_bytes);
    return 0;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64) {
    auto *map = find_fake<FakeMap>(fd);
    if (!map || !operations().begin(map->describe(key)))
        return -1;
    if (map->shape().type != BPF_MAP_TYPE_ARRAY_OF_MAPS)
        return failure(map->write_row(key, value));
    const auto *inner =
        find_fake<FakeMap>(static_cast<int>(number(value))); // a descriptor is stored as an id
    const auto id = inner ? inner->id() : 0;
    return inner ? failure(map->write_row(key, &id)) : -1;
}

/// One that is to fail writes half of the rows.
int bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
                         const struct bpf_map_batch_opts *) {
    auto *map = find_fake<FakeMap>(fd);
    if (!map)
        return -1;
    const auto *key = static_cast<const std::byte *>(keys);
    const auto *value = static_cast<const std::byte *>(values);
    const auto &shape = map->shape();
    const auto *last = key + shape.key_bytes * (*count - 1);
    const bool succeeds = operations().begin(fmt::format("{}[{}-{}]", shape.name, number(key), number(last)));
    const int code = succeeds ? 0 : errno;
    *count = succeeds ? *count : *count / 2;
    for (__u32 i = 0; i < *count; ++i, key += shape.key_bytes, value += shape.value_bytes)
        if (const int wrong = map->write_row(key, value); wrong != 0)
            return failure(wrong);
    return failure(code);
}

int bpf_map_delete_elem(int fd, const void *key) {
    auto *map = find_fake<FakeMap>(fd);
    return map && operations().begin("-" + map->describe(key)) ? failure(map->erase_row(key)) : -1;
}

int bpf_map_get_next_key(int fd, const void *key, void *next) {
    auto *map = find_fake<FakeMap>(fd);
    return map ? failure(map->next_key(key, next)) : -1;
}

} // extern "C"
