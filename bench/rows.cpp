#include "bench/rows.h"

#include "bench/floors.h"
#include "tests/harness/layers.h"

namespace glb::bench {

namespace {

using test::tcp::ack;
using test::tcp::syn;

constexpr std::uint32_t million = 1u << 20;

std::uint64_t count_of(const Row &row, const std::string &name) {
    const auto found = row.counted.find(name);
    return found == row.counted.end() ? 0 : found->second;
}

/// Fails unless the program counted `name` for at least `share` of the row's packets.
Status check_counter(const Row &row, const std::string &name, double share) {
    const auto wanted = share * static_cast<double>(row.figures.packets);
    if (static_cast<double>(count_of(row, name)) < wanted)
        return fail(
            "row \"{}\": the program counted {} {} in {} packets: this is not the path to be measured",
            row.name, count_of(row, name), name, row.figures.packets);
    return {};
}

/// Fails if the program counted `name` for more than one of a thousand packets.
Status check_rare(const Row &row, const std::string &name) {
    if (count_of(row, name) > row.figures.packets / 1000)
        return fail(
            "row \"{}\": the program counted {} {} in {} packets: this is not the path to be measured",
            row.name, count_of(row, name), name, row.figures.packets);
    return {};
}

/// Measures the node and records its counters meanwhile.
Status measure_node(Row &row, Generator &generator, const Floors &floors, const Node &node, Stream &stream,
                    const Stream &plain, const Settings &settings, const std::function<void()> &before) {
    row.table = node.occupancy();
    GLB_ASSIGN(const auto counted_before, node.counters());
    GLB_ASSIGN(row.figures,
               measure_with_floors(generator, floors, {node.program(), &stream}, plain, settings, before));
    GLB_ASSIGN(row.counted, node.counters());
    for (const auto &[name, count] : counted_before)
        row.counted[name] -= count;
    std::erase_if(row.counted, [](const auto &entry) { return entry.second == 0; });
    return {};
}

Result<Row> encap_floor(Generator &generator, const Wires &wires, const Settings &settings) {
    GLB_ASSIGN(const auto floors, Floors::load(GLB_FLOW_MIN_CAPACITY));
    GLB_ASSIGN(const auto node, Node::load(wires, GLB_FLOW_MIN_CAPACITY));
    Row row;
    row.name = "encap floor";
    row.what = "prepends 68 bytes from a template; no lookup, no parsing";
    auto stream = node.outward(Order::fixed, 1, ack);
    GLB_ASSIGN(row.figures,
               measure_with_floors(generator, floors, {floors.encap(), &stream}, stream, settings));
    return row;
}

Result<Row> ingress_hit(Generator &generator, const Wires &wires, const Settings &settings,
                        std::uint32_t flows, std::uint32_t capacity) {
    GLB_ASSIGN(const auto floors, Floors::load(capacity));
    GLB_ASSIGN(auto node, Node::load(wires, capacity));
    auto all = node.outward(Order::counted, flows, ack);
    GLB_TRY(generator.run(node.program(), all, flows));
    node.establish();

    Row row;
    row.name = flows == 1 ? "ingress hit, 1 flow" : "ingress hit, 1 M flows";
    row.what =
        fmt::format("TCP segments of {} established flow{}", flows, flows == 1 ? "" : "s, in random order");
    auto stream = node.outward(flows == 1 ? Order::fixed : Order::random, flows, ack);
    GLB_TRY(measure_node(row, generator, floors, node, stream, stream, settings, [&] { node.establish(); }));
    GLB_TRY(check_counter(row, "encapsulated", 1));
    for (const char *miss : {"flow_new", "flow_midstream", "flow_resteered", "untracked"})
        GLB_TRY(check_rare(row, miss));
    return row;
}

Result<Row> new_flow(Generator &generator, const Wires &wires, const Settings &settings) {
    GLB_ASSIGN(const auto floors, Floors::load(million));
    GLB_ASSIGN(auto node, Node::load(wires, million));
    auto stream = node.outward(Order::counted, 0, syn);
    GLB_TRY(generator.run(node.program(), stream, 4 * million));

    Row row;
    row.name = "new flow, full table";
    row.what = "SYNs of new flows; every entry is a live unconfirmed flow";
    auto plain = node.outward(Order::random, million, ack);
    GLB_TRY(measure_node(row, generator, floors, node, stream, plain, settings, [] {}));
    GLB_TRY(check_counter(row, "encapsulated", 1));
    GLB_TRY(check_counter(row, "flow_new", 0.999));
    GLB_TRY(check_counter(row, "flow_replaced", 0.99));
    return row;
}

Result<Row> return_hit(Generator &generator, const Wires &wires, const Settings &settings) {
    GLB_ASSIGN(const auto floors, Floors::load(GLB_FLOW_MIN_CAPACITY));
    GLB_ASSIGN(auto node, Node::load(wires, GLB_FLOW_MIN_CAPACITY));
    auto plain = node.outward(Order::fixed, 1, ack);
    GLB_ASSIGN(const auto sent, generator.run_once(node.program(), plain));
    GLB_ASSIGN(auto stream, node.inward(sent));

    Row row;
    row.name = "return hit, 1 flow";
    row.what = "GENEVE from the flow's appliance, forwarded over the cached egress";
    GLB_TRY(measure_node(row, generator, floors, node, stream, plain, settings, [&] { node.establish(); }));
    GLB_TRY(check_counter(row, "forwarded", 1));
    GLB_TRY(check_counter(row, "cached_egress", 0.999));
    return row;
}

/// The highest cost of passive health checks: every outbound packet marks its flow, every return packet
/// clears the mark.
Result<Row> ping_pong(Generator &generator, const Wires &wires, const Settings &settings, bool passive) {
    GLB_ASSIGN(const auto floors, Floors::load(GLB_FLOW_MIN_CAPACITY));
    GLB_ASSIGN(auto node, Node::load(wires, GLB_FLOW_MIN_CAPACITY, {.one_arm = true, .passive = passive}));
    auto plain = node.outward(Order::fixed, 1, ack);
    GLB_ASSIGN(const auto sent, generator.run_once(node.program(), plain));
    GLB_ASSIGN(const auto return_packet, node.inward(sent));
    auto stream = plain;
    stream.answer = return_packet.frame;

    Row row;
    row.name = passive ? "ping-pong, passive" : "ping-pong, 1 flow";
    row.what =
        passive
            ? "the same with passive health checks: outbound packets mark the flow, return packets clear it"
            : "outbound and return packets alternately, mean of both";
    GLB_TRY(measure_node(row, generator, floors, node, stream, plain, settings, [&] { node.establish(); }));
    GLB_TRY(check_counter(row, "encapsulated", 0.5));
    GLB_TRY(check_counter(row, "cached_egress", 0.49));
    if (passive)
        GLB_TRY(check_counter(row, "unanswered", 0.49));
    return row;
}

} // namespace

std::vector<RowSpec> quick_rows() {
    const auto hit = [](std::uint32_t flows, std::uint32_t capacity) {
        return [=](Generator &generator, const Wires &wires, const Settings &settings) {
            return ingress_hit(generator, wires, settings, flows, capacity);
        };
    };
    const auto ping_pong_row = [](bool passive) {
        return [=](Generator &generator, const Wires &wires, const Settings &settings) {
            return ping_pong(generator, wires, settings, passive);
        };
    };
    return {
        {"encap floor", encap_floor},
        {"ingress hit, 1 flow", hit(1, GLB_FLOW_MIN_CAPACITY)},
        {"ingress hit, 1 M flows", hit(million, 2 * million)},
        {"new flow, full table", new_flow},
        {"return hit, 1 flow", return_hit},
        {"ping-pong, 1 flow", ping_pong_row(false)},
        {"ping-pong, passive", ping_pong_row(true)},
    };
}

} // namespace glb::bench
