// The controller's view of the flow table, against the loaded program: flows that packets started, advanced
// and counted.
#include <catch2/catch.hpp>

#include <atomic>
#include <cstdlib>
#include <thread>

#include <linux/bpf.h>

#include "controller/plan/maglev_generations.h"
#include "tests/harness/skip.h"
#include "tests/packet/rig.h"
#include "tests/unit/observe/list_flows.h"

using namespace glb;
using namespace glb::test;

namespace {

const observe::FlowNames names{.endpoints = {"", "", "", "branch"},
                               .targets = {{"firewalls", "fw-0"}, {"firewalls", "fw-1"}}};

datapath::FlowTable table_of(const Rig &rig) {
    auto table =
        datapath::FlowTable::map(rig.roles.handles->map(datapath::Map::flows_hot),
                                 rig.roles.handles->map(datapath::Map::flows_cold), GLB_FLOW_MIN_CAPACITY);
    if (!table)
        throw std::runtime_error(table.error().message);
    return std::move(*table);
}

/// Sends `inner`, then returns it as its target would; the frame that was sent to the target.
Bytes round_trip(Rig &rig, const Packet &inner) {
    const auto out = rig.send(Eth{.dst = node_mac} / inner);
    REQUIRE(out.code == XDP_REDIRECT);
    const bool second = out.frame.at(5) == target2_mac.bytes[5];
    const auto back = rig.send(returned(second ? 1 : 0, cookie_of(out.frame), entropy_of(out.frame), inner));
    CHECK(back.code != XDP_DROP);
    return out.frame;
}

Packet segment(bool by_initiator, std::uint8_t flags, std::uint16_t port = 40000) {
    const Packet ip = by_initiator ? IPv4{.src = "198.51.100.20", .dst = "192.0.2.10"}
                                   : IPv4{.src = "192.0.2.10", .dst = "198.51.100.20"};
    return ip / Tcp{.sport = by_initiator ? port : std::uint16_t{80},
                    .dport = by_initiator ? std::uint16_t{80} : port,
                    .flags = flags};
}

nlohmann::json only_flow(const datapath::FlowTable &table) {
    const auto listed = list_flows(table, {}, names, {}, plan::tick_now());
    REQUIRE(listed.total == 1);
    return listed.flows.at(0);
}

} // namespace

TEST_CASE("flow list: a TCP flow is shown in its initiator's direction in every state", "[flows]") {
    need_root();
    Rig rig;
    const auto table = table_of(rig);
    CHECK(observe::count_flows(table, {}, plan::tick_now()).active == 0);

    // The initiator has the higher address, so the canonical order is the reverse of the flow's direction.
    const auto sent = round_trip(rig, segment(true, tcp::syn));
    auto flow = only_flow(table);
    const bool second = sent.at(5) == target2_mac.bytes[5];
    CHECK(flow == nlohmann::json{{"endpoint", "branch"},
                                 {"protocol", "tcp"},
                                 {"source", "198.51.100.20:40000"},
                                 {"destination", "192.0.2.10:80"},
                                 {"targetGroup", "firewalls"},
                                 {"target", second ? "fw-1" : "fw-0"},
                                 {"state", "unconfirmed"},
                                 {"cookie", fmt::format("0x{:08x}", cookie_of(sent))},
                                 {"ageSeconds", 0},
                                 {"idleSeconds", 0},
                                 {"packetsOut", 1},
                                 {"packetsBack", 1},
                                 {"bytesOut", 40},
                                 {"bytesBack", 40}});

    round_trip(rig, segment(false, tcp::syn | tcp::ack));
    round_trip(rig, segment(true, tcp::ack));
    flow = only_flow(table);
    CHECK(flow["state"] == "established");
    CHECK(flow["source"] == "198.51.100.20:40000");
    CHECK(flow["packetsOut"] == 3);
    CHECK(flow["packetsBack"] == 3);
    round_trip(rig, segment(false, tcp::fin | tcp::ack));
    CHECK(only_flow(table)["state"] == "closing");
    round_trip(rig, segment(true, tcp::rst));
    CHECK(only_flow(table)["state"] == "closed");

    const auto count = observe::count_flows(table, {}, plan::tick_now());
    CHECK(count.active == 1);
    CHECK(count.of(datapath::FlowState::closed) == 1);
    CHECK(count.by_target.at(second ? 1 : 0) == 1);
    CHECK(observe::count_flows(table, {}, plan::tick_now() + 10 * GLB_TICKS_PER_SECOND).active == 0);
}

TEST_CASE("flow list: data reopens a closed flow, counted once", "[flows]") {
    need_root();
    Rig rig;
    const auto table = table_of(rig);
    for (const auto &[by_initiator, flags] : {std::pair{true, tcp::syn},
                                              {false, tcp::syn | tcp::ack},
                                              {true, tcp::ack},
                                              {false, tcp::fin | tcp::ack},
                                              {true, tcp::fin | tcp::ack}})
        round_trip(rig, segment(by_initiator, static_cast<std::uint8_t>(flags)));
    REQUIRE(only_flow(table)["state"] == "closed");
    round_trip(rig, segment(false, tcp::ack)); // the last ACK, and a retransmitted FIN
    round_trip(rig, segment(true, tcp::fin | tcp::ack));
    CHECK(only_flow(table)["state"] == "closed");
    CHECK(rig.count(GLB_COUNT_FLOW_REOPENED) == 0);

    const auto cookie = only_flow(table)["cookie"];
    for (int packets = 0; packets < 2; ++packets)
        round_trip(rig, segment(true, tcp::ack) / Payload{from_string("more data")});
    CHECK(only_flow(table)["state"] == "established");
    CHECK(only_flow(table)["cookie"] == cookie);
    CHECK(rig.count(GLB_COUNT_FLOW_REOPENED) == 1);
    CHECK(rig.count(GLB_COUNT_FLOW_NEW) == 1);
}

TEST_CASE("flow list: one-way TCP is counted once, by the second scan", "[flows]") {
    need_root();
    Rig rig;
    const auto table = table_of(rig);
    observe::AsymmetricTcpDetector watch;
    const auto scan = [&] {
        observe::FlowStatsScan statistics(table, {}, plan::tick_now(), &watch);
        while (!statistics.step(std::chrono::nanoseconds::max()))
            continue;
        return watch.total();
    };
    // By port: only the initiator's packets returned, only the answers, both, a SYN without an answer; and a
    // flow that is not TCP.
    round_trip(rig, segment(true, tcp::syn, 1));
    round_trip(rig, segment(true, tcp::ack, 1));
    round_trip(rig, segment(false, tcp::syn | tcp::ack, 2));
    round_trip(rig, segment(false, tcp::ack, 2));
    round_trip(rig, segment(true, tcp::syn, 3));
    round_trip(rig, segment(false, tcp::syn | tcp::ack, 3));
    round_trip(rig, segment(true, tcp::ack, 3));
    round_trip(rig, segment(true, tcp::syn, 4));
    for (int packets = 0; packets < 2; ++packets)
        round_trip(rig, IPv4{} / Udp{.sport = 5, .dport = 53});
    CHECK(scan() == 0); // their packets may still be in flight
    CHECK(scan() == 2);
    CHECK(scan() == 2);
    round_trip(rig, segment(false, tcp::ack, 1));
    CHECK(scan() == 2);
    CHECK(observe::count_flows(table, {}, plan::tick_now()).of(datapath::FlowState::established) == 2);
}

TEST_CASE("flow list: IPv6, ICMP echo and protocols without ports are shown", "[flows]") {
    need_root();
    Rig rig;
    const auto table = table_of(rig);
    SECTION("IPv6") {
        round_trip(rig,
                   IPv6{.src = "2001:db8::10", .dst = "2001:db8:ffff::20"} / Udp{.sport = 5000, .dport = 53});
        const auto flow = only_flow(table);
        CHECK(flow["source"] == "[2001:db8::10]:5000");
        CHECK(flow["destination"] == "[2001:db8:ffff::20]:53");
        CHECK(flow["protocol"] == "udp");
    }
    SECTION("an echo") {
        round_trip(rig, IPv4{.src = "192.0.2.10", .dst = "198.51.100.20"} / icmp_echo(0x4d2, 1));
        const auto flow = only_flow(table);
        CHECK(flow["source"] == "192.0.2.10");
        CHECK(flow["identifier"] == 0x4d2);
        CHECK(flow["protocol"] == "icmp");
    }
    SECTION("ESP") {
        round_trip(rig, IPv4{.src = "192.0.2.10", .dst = "198.51.100.20"} / Esp{} /
                            Payload{from_string("secret")});
        const auto flow = only_flow(table);
        CHECK(flow["destination"] == "198.51.100.20");
        CHECK(flow["protocol"] == "esp");
    }
}

TEST_CASE("flow list: no row mixes two flows while entries are replaced", "[flows][concurrency]") {
    need_root();
    Rig rig;
    const auto table = table_of(rig);
    // Source address, port and packet length are derived from one number.
    constexpr std::uint32_t flow_number = 9000;
    std::vector<Bytes> frames;
    for (std::uint32_t n = 0; n < flow_number; ++n)
        frames.push_back(
            (Eth{.dst = node_mac} /
             IPv4{.src = Ip4(fmt::format("10.20.{}.{}", n >> 8, n & 255).c_str()), .dst = "198.51.100.20"} /
             Udp{.sport = static_cast<std::uint16_t>(n), .dport = 53} / Payload(std::size_t{n % 97}))
                .bytes());
    std::atomic<bool> end = false;
    std::thread writer([&] {
        for (std::uint32_t n = 0; !end; n = (n + 1) % flow_number)
            (void)run_xdp(rig.roles.handles->program(), frames[n], {.ingress_ifindex = 1, .most_out = 512});
    });
    std::uint64_t rows = 0, mixed = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    while (std::chrono::steady_clock::now() < until)
        for (std::uint32_t slot = 0; slot < table.capacity(); ++slot)
            if (const auto row = table.row(slot)) {
                const std::uint32_t n = row->source_port;
                const auto &source = row->source.bytes;
                // Packets and bytes are separate counters: a packet may be counted in only one of them yet.
                const auto length = static_cast<std::int64_t>(28 + n % 97);
                const auto lag = static_cast<std::int64_t>(row->out.packets) * length -
                                 static_cast<std::int64_t>(row->out.bytes);
                ++rows;
                mixed += source[2] != n >> 8 || source[3] != (n & 255) || row->destination_port != 53 ||
                         (lag != 0 && std::abs(lag) != length);
            }
    end = true;
    writer.join();
    CHECK(mixed == 0);
    CHECK(rows > 100'000);
    CHECK(rig.count(GLB_COUNT_FLOW_REPLACED) > 1000);
}
