// Reading and writing rows of BPF maps, in one call if there are many. Private to the library.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "controller/datapath/handles.h"
#include "controller/util/result.h"

namespace glb::datapath {

/// A map's descriptor, and its name for errors.
struct MapRef {
    int fd = -1;
    const char *name = "";
};

/// A map that the caller may write.
struct WritableMap : MapRef {};

[[nodiscard]] inline MapRef map_ref(const DatapathHandles &handles, Map map) {
    return {handles.map(map), to_string(map)};
}

/// `map` for its only writer in user space; a map that is not in `Writer::maps` does not compile.
template <typename Writer, Map map>
[[nodiscard]] WritableMap writable(const DatapathHandles &handles) {
    static_assert(contains(Writer::maps, map), "another class writes this map");
    return {map_ref(handles, map)};
}

inline Status update_row(WritableMap map, std::uint32_t key, const void *value) {
    if (bpf_map_update_elem(map.fd, &key, value, BPF_ANY) != 0)
        return fail_errno(errno, "cannot write row {} of {}", key, map.name);
    return {};
}

template <typename Row>
Result<Row> read_row(MapRef map, std::uint32_t key) {
    Row row{};
    if (bpf_map_lookup_elem(map.fd, &key, &row) != 0)
        return fail_errno(errno, "cannot read row {} of {}", key, map.name);
    return row;
}

/// Writes consecutive rows of an array map in one call.
template <typename Row>
Status write_rows(WritableMap map, std::uint32_t first, const std::vector<Row> &rows) {
    std::vector<std::uint32_t> keys(rows.size());
    for (std::uint32_t i = 0; i < keys.size(); ++i)
        keys[i] = first + i;
    auto count = static_cast<std::uint32_t>(rows.size());
    if (bpf_map_update_batch(map.fd, keys.data(), rows.data(), &count, nullptr) != 0)
        return fail_errno(errno, "cannot write {}: {} of {} rows written", map.name, count, rows.size());
    return {};
}

/// The same without the rows that equal `installed` (the present content of the map, null if it is not
/// known); each run of different rows is one call.
template <typename Row>
Status write_changed_rows(WritableMap map, std::uint32_t first, const std::vector<Row> &rows,
                          const std::vector<Row> *installed) {
    if (!installed || installed->size() != rows.size())
        return write_rows(map, first, rows);
    const auto same = [&](std::size_t i) {
        return std::memcmp(&rows[i], &(*installed)[i], sizeof(Row)) == 0;
    };
    for (std::size_t begin = 0; begin < rows.size();) {
        auto end = begin;
        while (end < rows.size() && !same(end))
            ++end;
        if (end > begin)
            GLB_TRY(write_rows(map, first + static_cast<std::uint32_t>(begin),
                               std::vector<Row>(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                                                rows.begin() + static_cast<std::ptrdiff_t>(end))));
        begin = end + 1;
    }
    return {};
}

/// All keys of a hash map.
template <typename Key>
Result<std::vector<Key>> all_keys(MapRef map) {
    std::vector<Key> keys;
    Key next{};
    while (bpf_map_get_next_key(map.fd, keys.empty() ? nullptr : &keys.back(), &next) == 0)
        keys.push_back(next);
    if (errno != ENOENT)
        return fail_errno(errno, "cannot read the keys of {}", map.name);
    return keys;
}

/// Removes a key of a hash map; one that is absent is no error.
template <typename Key>
Status erase_key(WritableMap map, const Key &key) {
    if (bpf_map_delete_elem(map.fd, &key) != 0 && errno != ENOENT)
        return fail_errno(errno, "cannot remove a row of {}", map.name);
    return {};
}

/// The values of one row on every possible CPU.
template <typename Row>
Result<std::vector<Row>> read_per_cpu(MapRef map, std::uint32_t key) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 1)
        return fail("cannot read the number of CPUs");
    std::vector<Row> each(static_cast<std::size_t>(cpus));
    if (bpf_map_lookup_elem(map.fd, &key, each.data()) != 0)
        return fail_errno(errno, "cannot read row {} of {}", key, map.name);
    return each;
}

template <typename Row>
Status clear_per_cpu(WritableMap map, std::uint32_t key) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 1)
        return fail("cannot read the number of CPUs");
    const std::vector<Row> zero(static_cast<std::size_t>(cpus));
    return update_row(map, key, zero.data());
}

} // namespace glb::datapath
