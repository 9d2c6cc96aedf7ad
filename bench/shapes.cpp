#include "bench/shapes.h"

#include <algorithm>
#include <memory>

#include "bench/fill.h"
#include "bench/floors.h"
#include "bench/shape_abi.h" // before the skeleton, which uses its types

#include <bpf/libbpf.h>

#include <bench_shapes.skel.h>

#include "controller/datapath/mapped.h"
#include "tests/harness/layers.h"

namespace glb::bench {

namespace {

constexpr std::uint32_t absent = 0x800000; ///< flows from this one on are in no table

struct Kind {
    const char *name;
    const char *program;
    Shape shape;
};

constexpr Kind kinds[] = {
    {"8 ways, from the home way", "bench_8_home", {.ways = 8}},
    {"8 ways, from way 0", "bench_8_first", {.ways = 8, .home = false}},
    {"4 ways, from the home way", "bench_4_home", {.ways = 4}},
    {"8 ways, a line of tags", "bench_8_tags", {.ways = 8}},
    {"8 ways, a word of fingerprints", "bench_8_fingerprints", {.ways = 8}},
    {"8 ways, home way, then fingerprints", "bench_8_both", {.ways = 8}},
};

template <typename Row>
Result<datapath::Mapped<Row>> map_rows(const bpf_map *map, std::uint32_t count) {
    return datapath::Mapped<Row>::map(bpf_map__fd(map), count, bpf_map__name(map));
}

struct Tables {
    std::unique_ptr<bench_shapes, decltype(&bench_shapes::destroy)> skeleton;
    datapath::Mapped<bench_entry> entries;
    datapath::Mapped<bench_tags> tags;
    datapath::Mapped<std::uint64_t> fingerprints;

    static Result<Tables> load(std::uint32_t entries);
    void put(const Shape &shape, const Filled &filled) const;
    [[nodiscard]] int program(const char *name) const {
        return bpf_program__fd(bpf_object__find_program_by_name(skeleton->obj, name));
    }
};

Result<Tables> Tables::load(std::uint32_t entries) {
    std::unique_ptr<bench_shapes, decltype(&bench_shapes::destroy)> skeleton(bench_shapes::open(),
                                                                             bench_shapes::destroy);
    if (!skeleton)
        return fail_errno(errno, "cannot open the programs of the shapes");
    const std::uint32_t buckets = entries / 8;
    bpf_map__set_max_entries(skeleton->maps.bench_entries, entries);
    bpf_map__set_max_entries(skeleton->maps.bench_tag_lines, buckets);
    bpf_map__set_max_entries(skeleton->maps.bench_fingerprints, buckets);
    skeleton->rodata->bench_entry_mask = entries - 1;
    if (const int code = bench_shapes::load(skeleton.get()); code != 0)
        return fail_errno(-code, "cannot load the programs of the shapes");
    GLB_ASSIGN(auto lines, map_rows<bench_entry>(skeleton->maps.bench_entries, entries));
    GLB_ASSIGN(auto tags, map_rows<bench_tags>(skeleton->maps.bench_tag_lines, buckets));
    GLB_ASSIGN(auto fingerprints, map_rows<std::uint64_t>(skeleton->maps.bench_fingerprints, buckets));
    return Tables{std::move(skeleton), std::move(lines), std::move(tags), std::move(fingerprints)};
}

void Tables::put(const Shape &shape, const Filled &filled) const {
    std::ranges::fill(entries.rows(), bench_entry{});
    std::ranges::fill(tags.rows(), bench_tags{});
    std::ranges::fill(fingerprints.rows(), std::uint64_t{0});
    for (std::uint32_t flow = 0; flow < filled.slots.size(); ++flow) {
        const auto slot = filled.slots[flow];
        if (slot == no_slot)
            continue;
        const auto tag = tag_of_flow(flow);
        entries[slot].tag = tag;
        entries[slot].meta = 1;
        if (shape.ways != 8)
            continue;
        tags[slot / 8].tag[slot % 8] = tag;
        fingerprints[slot / 8] |= bench_fingerprint(tag) << (slot % 8 * 8);
    }
}

/// Measures one program on one stream; fails unless it finds the share `expected` of the flows.
Result<Figures> measure_lookups(Generator &generator, const Floors &floors, const Tables &tables, int program,
                                const Stream &stream, double expected, const Settings &settings) {
    auto &hits = tables.skeleton->bss->bench_hits;
    hits = 0;
    auto tested = stream;
    GLB_ASSIGN(auto figures, measure_with_floors(generator, floors, {program, &tested}, stream, settings));
    const auto found = static_cast<double>(hits) / static_cast<double>(figures.packets);
    if (found < expected - 0.01 || found > expected + 0.01)
        return fail("a lookup found {:.3f} of the flows instead of {:.3f}", found, expected);
    return figures;
}

} // namespace

Result<std::vector<ShapeRow>> measure_shapes(Generator &generator, const Wires &wires,
                                             const Settings &settings, std::uint32_t entries,
                                             const std::vector<double> &loads) {
    GLB_ASSIGN(const auto floors, Floors::load(entries));
    GLB_ASSIGN(const auto tables, Tables::load(entries));
    GLB_ASSIGN(const auto node, Node::load(wires, GLB_FLOW_MIN_CAPACITY));
    std::vector<ShapeRow> rows;
    for (const double load : loads) {
        const auto flows = static_cast<std::uint32_t>(load * entries);
        for (const auto &kind : kinds) {
            const auto filled = fill(kind.shape, entries, flows);
            tables.put(kind.shape, filled);
            const double there = 1 - static_cast<double>(filled.lost) / flows;
            ShapeRow row;
            row.name = kind.name;
            row.load = load;
            auto present = node.outward(Order::random, flows, test::tcp::ack);
            auto missing = node.outward(Order::counted, 0, test::tcp::ack);
            missing.state = absent;
            const int program = tables.program(kind.program);
            GLB_ASSIGN(row.hit,
                       measure_lookups(generator, floors, tables, program, present, there, settings));
            GLB_ASSIGN(row.miss, measure_lookups(generator, floors, tables, program, missing, 0, settings));
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

std::vector<LossRow> simulate_loss(std::uint32_t entries, const std::vector<double> &loads) {
    std::vector<LossRow> rows;
    for (const unsigned buckets : {1u, 2u})
        for (const unsigned ways : {4u, 8u})
            for (const double load : loads) {
                const auto flows = static_cast<std::uint32_t>(load * entries);
                const auto filled = fill({.ways = ways, .buckets = buckets}, entries, flows);
                LossRow row;
                row.name = fmt::format("{} x {} ways", buckets, ways);
                row.load = load;
                row.lost = static_cast<double>(filled.lost) / flows;
                row.lines = filled.lines;
                row.first = filled.first;
                rows.push_back(std::move(row));
            }
    return rows;
}

} // namespace glb::bench
