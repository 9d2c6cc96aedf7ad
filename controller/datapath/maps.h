// The maps of the XDP program (bpf/maps/) as an enumeration: no map is looked up by name at run time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace glb::datapath {

#define GLB_DATAPATH_MAPS(X)                                                                                 \
    X(control)                                                                                               \
    X(node)                                                                                                  \
    X(logical_ports)                                                                                         \
    X(endpoints)                                                                                             \
    X(endpoint_ids)                                                                                          \
    X(groups)                                                                                                \
    X(targets)                                                                                               \
    X(senders)                                                                                               \
    X(target_state)                                                                                          \
    X(group_action)                                                                                          \
    X(endpoint_override)                                                                                     \
    X(fallback)                                                                                              \
    X(local_addrs)                                                                                           \
    X(local_macs)                                                                                            \
    X(maglev)                                                                                                \
    X(flows_hot)                                                                                             \
    X(flows_cold)                                                                                            \
    X(flows_prev)                                                                                            \
    X(stamps)                                                                                                \
    X(egress)                                                                                                \
    X(next_hop_ids)                                                                                          \
    X(next_hops)                                                                                             \
    X(devmap)                                                                                                \
    X(drops)                                                                                                 \
    X(counters)                                                                                              \
    X(endpoint_counts)                                                                                       \
    X(target_counts)                                                                                         \
    X(endpoint_target_seen)                                                                                  \
    X(source_buckets)                                                                                        \
    X(metadata)                                                                                              \
    X(index_names)                                                                                           \
    X(maglev_fingerprints)                                                                                   \
    X(events)                                                                                                \
    X(context)

#define GLB_DATAPATH_MAP(name) name,
enum class Map : std::uint8_t { GLB_DATAPATH_MAPS(GLB_DATAPATH_MAP) };
#undef GLB_DATAPATH_MAP

#define GLB_DATAPATH_MAP(name) Map::name,
inline constexpr std::array all_maps = {GLB_DATAPATH_MAPS(GLB_DATAPATH_MAP)};
#undef GLB_DATAPATH_MAP

/// The name in the BPF object and of the pin.
[[nodiscard]] constexpr const char *to_string(Map map) {
    constexpr const char *names[] = {
#define GLB_DATAPATH_MAP(name) "glb_" #name,
        GLB_DATAPATH_MAPS(GLB_DATAPATH_MAP)
#undef GLB_DATAPATH_MAP
    };
    return names[static_cast<std::size_t>(map)];
}

/// Maps without a writer in user space. Each of the others is in `maps` of exactly one class: ConfigWriter,
/// StateWriter, EgressWriter or TableMigration (tests/unit/datapath/ownership_test.cpp). The exception is a
/// new set of maps that a migration fills before any program uses it (migration/map_transfer.h).
inline constexpr std::array maps_written_by_bpf_only = {Map::flows_prev,     Map::drops,  Map::counters,
                                                        Map::source_buckets, Map::events, Map::context};

/// Maps that are of one load: a migration's older table, and scratch space.
inline constexpr std::array maps_not_pinned = {Map::flows_prev, Map::context};

template <std::size_t size>
[[nodiscard]] constexpr bool contains(const std::array<Map, size> &maps, Map map) {
    return std::find(maps.begin(), maps.end(), map) != maps.end();
}

} // namespace glb::datapath
