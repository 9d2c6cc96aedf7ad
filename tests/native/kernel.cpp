#include "tests/native/kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h> // the shim's

namespace glb::test {

namespace {

[[noreturn]] void refuse(const char *what, std::string_view name) {
    std::fprintf(stderr, "fake kernel: %s: %.*s\n", what, static_cast<int>(name.size()), name.data());
    std::abort();
}

} // namespace

struct Kernel::Map {
    const native_map *is = nullptr;
    std::vector<std::uint8_t> rows, remembered;                 // arrays
    std::map<std::string, std::vector<std::uint8_t>> entries{}; // all others
    std::vector<std::unique_ptr<Map>> inner{};                  // of glb_maglev, by its rows

    [[nodiscard]] bool is_array() const {
        return is->kind == BPF_MAP_TYPE_ARRAY || is->kind == BPF_MAP_TYPE_PERCPU_ARRAY;
    }
    [[nodiscard]] std::span<std::uint8_t> row(std::vector<std::uint8_t> &of, std::uint32_t index) const {
        return std::span(of).subspan(std::size_t{index} * is->value_size, is->value_size);
    }
    /// The value of the longest matching prefix. Keys are struct bpf_lpm_trie_key: 32 bits of length, then
    /// the bits.
    void *find_prefix(const std::string &key) {
        void *best = nullptr;
        std::uint32_t longest = 0;
        for (auto &[prefix, value] : entries) {
            std::uint32_t bits = 0;
            std::memcpy(&bits, prefix.data(), sizeof bits);
            const auto whole = bits / 8;
            const auto rest = 0xff00 >> bits % 8 & 0xff;
            const bool fits = prefix.compare(4, whole, key, 4, whole) == 0 &&
                              (!rest || ((prefix[4 + whole] ^ key[4 + whole]) & rest) == 0);
            if (fits && bits >= longest) {
                longest = bits;
                best = value.data();
            }
        }
        return best;
    }
};

Kernel &Kernel::get() {
    static Kernel kernel;
    return kernel;
}

Kernel::Kernel() {
    for (std::uint32_t i = 0; i < native_map_count; ++i) {
        auto map = std::make_unique<Map>();
        map->is = &native_maps[i];
        if (map->is_array())
            map->rows.resize(std::size_t{map->is->rows} * map->is->value_size);
        if (map->is->kind == BPF_MAP_TYPE_ARRAY_OF_MAPS)
            map->inner.resize(map->is->rows);
        by_address_[map->is->map] = map.get();
        maps_.push_back(std::move(map));
    }
    clear();
}

void Kernel::clear() {
    for (auto &map : maps_) {
        std::ranges::fill(map->rows, std::uint8_t{0});
        map->entries.clear();
    }
    fib = nullptr;
    on_look_up = nullptr;
    remember();
    restore();
}

Kernel::Map &Kernel::named(std::string_view name) {
    for (auto &map : maps_)
        if (map->is->name == name)
            return *map;
    refuse("no such map", name);
}

std::span<std::uint8_t> Kernel::array(std::string_view name, std::size_t value_size) {
    auto &map = named(name);
    if (!map.is_array() || map.is->value_size != value_size)
        refuse("no array of such values", name);
    return map.rows;
}

void Kernel::put_bytes(std::string_view name, std::string key, std::string value) {
    auto &map = named(name);
    if (map.is_array() || map.is->key_size != key.size() || map.is->value_size != value.size())
        refuse("no map of such keys and values", name);
    map.entries[std::move(key)].assign(value.begin(), value.end());
}

void Kernel::put_maglev(std::uint32_t table, const std::vector<std::uint16_t> &slots) {
    static const native_map words{"words", nullptr, BPF_MAP_TYPE_ARRAY, 4, 8, GLB_MAGLEV_WORDS};
    auto map = std::make_unique<Map>();
    map->is = &words;
    map->rows.resize(std::size_t{words.rows} * words.value_size);
    std::memcpy(map->rows.data(), slots.data(), slots.size() * sizeof slots[0]);
    auto &slot = named("glb_maglev").inner.at(table);
    by_address_.erase(slot.get());
    by_address_[map.get()] = map.get();
    slot = std::move(map);
}

void Kernel::remember() {
    for (auto &map : maps_)
        map->remembered = map->rows;
    touched_.clear();
}

void Kernel::restore() {
    for (const auto &[map, row] : touched_)
        std::ranges::copy(map->row(map->remembered, row), map->row(map->rows, row).begin());
    touched_.clear();
    events.clear();
    redirected.reset();
}

bool Kernel::changed(std::string_view name) const {
    return std::ranges::any_of(touched_, [&](const Touched &at) {
        return at.map->is->name == name && !std::ranges::equal(at.map->row(at.map->remembered, at.row),
                                                               at.map->row(at.map->rows, at.row));
    });
}

void *Kernel::look_up(const void *address, const void *key) {
    const auto at = by_address_.find(address);
    if (at == by_address_.end())
        refuse("look-up in an object that is not a map", "");
    Map *const map = at->second;
    if (on_look_up)
        on_look_up(map->is->name);
    if (map->is_array() || map->is->kind == BPF_MAP_TYPE_ARRAY_OF_MAPS) {
        std::uint32_t row = 0;
        std::memcpy(&row, key, sizeof row);
        if (row >= map->is->rows)
            return nullptr;
        if (!map->is_array())
            return map->inner[row].get();
        if (!map->remembered.empty())
            touched_.push_back({map, row});
        return map->row(map->rows, row).data();
    }
    const std::string bytes(static_cast<const char *>(key), map->is->key_size);
    if (map->is->kind == BPF_MAP_TYPE_LPM_TRIE)
        return map->find_prefix(bytes);
    const auto found = map->entries.find(bytes);
    return found == map->entries.end() ? nullptr : found->second.data();
}

bool Kernel::in_devmap(const void *map, std::uint32_t ifindex) {
    return look_up(map, &ifindex) != nullptr;
}

} // namespace glb::test

using glb::test::Kernel;
using glb::test::NativeFrame;

extern "C" {

void *native_map_lookup_elem(void *map, const void *key) {
    return Kernel::get().look_up(map, key);
}
long native_redirect_map(void *map, __u64 key, __u64 flags) {
    auto &kernel = Kernel::get();
    const auto ifindex = static_cast<std::uint32_t>(key);
    if (!kernel.in_devmap(map, ifindex))
        return static_cast<long>(flags & 3); // the fallback code
    kernel.redirected = ifindex;
    return XDP_REDIRECT;
}
__u64 native_get_buff_len(native_frame *ctx) {
    return static_cast<NativeFrame *>(ctx)->size();
}
long native_load_bytes(native_frame *ctx, __u32 offset, void *to, __u32 size) {
    const auto bytes = static_cast<NativeFrame *>(ctx)->bytes();
    if (offset > bytes.size() || size > bytes.size() - offset)
        return -EINVAL;
    std::memcpy(to, bytes.data() + offset, size);
    return 0;
}
long native_adjust_head(native_frame *ctx, int delta) {
    return static_cast<NativeFrame *>(ctx)->adjust_head(delta);
}
long native_adjust_tail(native_frame *ctx, int delta) {
    return static_cast<NativeFrame *>(ctx)->adjust_tail(delta);
}
long native_adjust_meta(native_frame *ctx, int delta) {
    return static_cast<NativeFrame *>(ctx)->adjust_meta(delta);
}
long native_fib_lookup(bpf_fib_lookup *params) {
    auto &kernel = Kernel::get();
    return kernel.fib ? kernel.fib(*params) : long{BPF_FIB_LKUP_RET_NOT_FWDED};
}
__u64 native_now(void) {
    return Kernel::get().now_ns;
}
__u32 native_random(void) {
    return Kernel::get().random;
}
void *native_ringbuf_reserve(void *, __u64 size, __u64) {
    if (size != sizeof(glb_event))
        std::abort();
    return &Kernel::get().events.emplace_back();
}
void native_ringbuf_submit(void *, __u64) {}
}
