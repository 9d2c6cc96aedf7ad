// Rows of BPF maps: reading, writing, in one call where there are many. Private to the library.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "controller/util/result.h"

namespace glb::datapath {

inline Status update_row(int fd, std::uint32_t key, const void *value, const char *what) {
    if (bpf_map_update_elem(fd, &key, value, BPF_ANY) != 0)
        return fail_errno(errno, "cannot write row {} of {}", key, what);
    return {};
}

template <typename Row>
Result<Row> read_row(int fd, std::uint32_t key, const char *what) {
    Row row{};
    if (bpf_map_lookup_elem(fd, &key, &row) != 0)
        return fail_errno(errno, "cannot read row {} of {}", key, what);
    return row;
}

/// Writes consecutive rows of an array map in one call.
template <typename Row>
Status write_rows(int fd, std::uint32_t first, const std::vector<Row> &rows, const char *what) {
    std::vector<std::uint32_t> keys(rows.size());
    for (std::uint32_t i = 0; i < keys.size(); ++i)
        keys[i] = first + i;
    auto count = static_cast<std::uint32_t>(rows.size());
    if (bpf_map_update_batch(fd, keys.data(), rows.data(), &count, nullptr) != 0)
        return fail_errno(errno, "cannot write {}: only {} of {} rows", what, count, rows.size());
    return {};
}

/// The same, but rows that are as in `before` (what is there now) are left alone; runs that differ go in one
/// call each.
template <typename Row>
Status write_changed_rows(int fd, std::uint32_t first, const std::vector<Row> &rows,
                          const std::vector<Row> *before, const char *what) {
    if (!before || before->size() != rows.size())
        return write_rows(fd, first, rows, what);
    const auto same = [&](std::size_t i) { return std::memcmp(&rows[i], &(*before)[i], sizeof(Row)) == 0; };
    for (std::size_t begin = 0; begin < rows.size();) {
        auto end = begin;
        while (end < rows.size() && !same(end))
            ++end;
        if (end > begin)
            GLB_TRY(write_rows(fd, first + static_cast<std::uint32_t>(begin),
                               std::vector<Row>(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                                                rows.begin() + static_cast<std::ptrdiff_t>(end)),
                               what));
        begin = end + 1;
    }
    return {};
}

/// All keys of a hash map.
template <typename Key>
std::vector<Key> all_keys(int fd) {
    std::vector<Key> keys;
    Key next{};
    while (bpf_map_get_next_key(fd, keys.empty() ? nullptr : &keys.back(), &next) == 0)
        keys.push_back(next);
    return keys;
}

/// The values of one row on every CPU.
template <typename Row>
Result<std::vector<Row>> read_per_cpu(int fd, std::uint32_t key, const char *what) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 1)
        return fail("cannot tell the number of CPUs");
    std::vector<Row> each(static_cast<std::size_t>(cpus));
    if (bpf_map_lookup_elem(fd, &key, each.data()) != 0)
        return fail_errno(errno, "cannot read row {} of {}", key, what);
    return each;
}

template <typename Row>
Status clear_per_cpu(int fd, std::uint32_t key, const char *what) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 1)
        return fail("cannot tell the number of CPUs");
    const std::vector<Row> zero(static_cast<std::size_t>(cpus));
    return update_row(fd, key, zero.data(), what);
}

} // namespace glb::datapath
