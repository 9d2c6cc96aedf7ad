// The program glb-appliance: reflection, refused packets, counters, fault injection, start and exit.
#include <map>

#include "tests/harness/catch_bytes.h"
#include "tests/harness/skip.h"
#include "tests/netns/appliance/bench.h"

using namespace glb::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

const std::string golden_device = "gwi-1d4db0c51c4";
const std::string golden_text = "vpce-02b8ee1d4db0c51c4";

Bytes udp_flow(std::uint16_t port, std::uint32_t sequence = 0) {
    Bytes payload;
    put32(payload, sequence);
    return IPv4{} / Udp{.sport = port} / Payload(payload);
}

/// Rules and devices of the program that remain in a namespace. Waits, since the kernel may remove a device
/// shortly after its process has exited.
std::string leftovers(const Namespace &ns) {
    std::string text;
    (void)eventually(5s, [&] {
        text = ns.must(
            {"sh", "-c",
             "ip rule list | grep 'proto 198'; ip -6 rule list | grep 'proto 198'; ip -o link | grep gwi-; "
             "ip route show table all | grep gwi-; true"});
        return text.empty();
    });
    return text;
}

std::ptrdiff_t rules(const Namespace &ns) {
    const auto list = ns.must({"sh", "-c", "{ ip rule list; ip -6 rule list; } | grep 'proto 198'"});
    return std::ranges::count(list, '\n');
}

} // namespace

TEST_CASE("appliance: --reflect returns every packet unchanged") {
    need_root();
    ApplianceBench bench;
    bench.start({"--reflect"});
    bench.send_outer(golden_out());
    auto returned = bench.next();
    REQUIRE(returned);
    const auto golden = golden_return();
    CHECK_THAT(Bytes(returned->outer.begin() + 12, returned->outer.end()),
               equals({golden.begin() + 12, golden.end()}));
    CHECK(internet_checksum(ByteView(returned->outer).first(20)) == 0);

    // Reordered and unknown options are returned unchanged; padding is not.
    auto options = aws_options(7, 8, 9);
    std::swap(options[0], options[2]);
    options.push_back({0x0132, 1, Bytes(12, 0x5a), {}});
    Geneve geneve{.options = options};
    geneve.eth_proto = 0x86dd;
    const Bytes payload = geneve / IPv6{} / Tcp{};
    bench.send_payload(padded_to(payload, payload.size() + 9, 0xff), 41000);
    returned = bench.next();
    REQUIRE(returned);
    CHECK_THAT(returned->header + returned->inner, equals(payload));
    CHECK(returned->source_port == 41000);
    CHECK(leftovers(bench.firewall) == "");
}

TEST_CASE("appliance: congestion mark of the outer header is copied to the inner packet") {
    need_root();
    ApplianceBench bench;
    bench.start({"--reflect"});
    const Bytes inner = IPv4{.tos = 0x02} / Udp{} / Payload("hi");
    const Bytes marked = IPv4{.tos = 0x03} / Udp{} / Payload("hi");
    const Bytes outer = IPv4{.src = "10.0.1.10", .dst = "10.0.1.20", .tos = 0x03} /
                        Udp{.sport = 40001, .dport = 6081, .checksum = 0} /
                        Payload(geneve_header(golden_endpoint, 1) + inner);
    bench.send_outer(outer);
    const auto returned = bench.next();
    REQUIRE(returned);
    CHECK_THAT(returned->inner, equals(marked));
    CHECK((returned->outer[1] & 3) == 3);
}

TEST_CASE("appliance: malformed packets are counted by reason and not returned") {
    need_root();
    ApplianceBench bench;
    bench.start({"--endpoint", golden_text});
    const Bytes good = geneve_header(golden_endpoint, 1) + udp_flow(1);
    const auto changed = [&](std::size_t offset, std::uint8_t value) {
        Bytes bytes = good;
        bytes[offset] = value;
        return bytes;
    };
    const std::vector<std::pair<std::string, Bytes>> cases{
        {"geneve_short", truncated(good, 7)},   {"geneve_version", changed(0, 0x48)},
        {"geneve_control", changed(1, 0x80)},   {"geneve_protocol", changed(2, 0x65)},
        {"geneve_critical", changed(10, 0x83)}, {"geneve_options", changed(11, 0x1f)},
        {"geneve_missing", changed(8, 0x77)},   {"inner_malformed", truncated(good, good.size() - 1)},
        {"truncated", good + Bytes(9300)},
    };
    bench.firewall.must({"ip", "link", "set", "eth0", "mtu", "9500"});
    bench.node.must({"ip", "link", "set", "tun0", "mtu", "9500"});
    for (const auto &[reason, payload] : cases) {
        INFO(reason);
        bench.send_payload(payload);
        CHECK(bench.counts(reason, 1));
    }
    bench.send_payload({});
    CHECK(bench.counts("geneve_short", 2));
    CHECK(bench.counts("received", cases.size() + 1));
    CHECK(bench.counts("returned", 0));
    CHECK(bench.returns_only_marker());
}

TEST_CASE("appliance: send errors are counted, and later packets pass") {
    need_root();
    ApplianceBench bench;
    bench.start({"--endpoint", golden_text});
    const auto &firewall = bench.firewall;
    SECTION("returned packet larger than the path MTU") {
        firewall.must({"ip", "route", "add", "10.0.1.10", "dev", "eth0", "mtu", "lock", "600"});
        bench.send(golden_endpoint, 1, IPv4{} / Udp{} / Payload(700));
        CHECK(bench.counts("too_big", 1));
    }
    SECTION("output dropped by the appliance's firewall") {
        firewall.must({"nft",
                       "add table inet fw; add chain inet fw o { type filter hook output priority 0; }; "
                       "add rule inet fw o udp sport 40009 drop"});
        bench.send(golden_endpoint, 1, udp_flow(1), 40009);
        CHECK(bench.counts("send_failed", 1));
    }
    SECTION("device set down") {
        firewall.must({"ip", "link", "set", golden_device, "down"});
        bench.send(golden_endpoint, 1, udp_flow(1));
        CHECK(bench.counts("tun_write", 1));
        firewall.must({"ip", "link", "set", golden_device, "up"});
        firewall.must({"ip", "route", "add", "default", "dev", golden_device, "table", "6081"});
    }
    SECTION("bytes from the device that are not an IP packet") {
        send_frame(firewall, golden_device, from_string("written by a packet socket"));
        CHECK(bench.counts("tun_malformed", 1));
    }
    CHECK(bench.returns_only_marker());
}

TEST_CASE("appliance: packets lost to a full socket buffer are counted") {
    need_root();
    ApplianceBench bench;
    bench.start({"--reflect"});
    bench.program().kill(SIGSTOP);
    for (int i = 1; i <= 20'000; ++i) {
        bench.send(golden_endpoint, 1, IPv4{} / Udp{} / Payload(1300));
        if (i % 256 == 0) // otherwise the kernel's backlog queue would drop packets before the socket
            std::this_thread::sleep_for(1ms);
    }
    bench.program().kill(SIGCONT);
    CHECK(eventually(20s, [&] {
        const auto all = bench.counters();
        return all["counters"]["received"].get<int>() + all["drops"]["socket_overrun"].get<int>() == 20'000;
    }));
    CHECK(bench.counters()["drops"]["socket_overrun"] > 0);
}

TEST_CASE("appliance: unknown nodes and refused endpoints are dropped and counted") {
    need_root();
    ApplianceBench bench;
    SECTION("node that is not listed") {
        bench.start({"--node", "10.0.1.99"});
        bench.send(golden_endpoint, 1, udp_flow(1));
        CHECK(bench.counts("unknown_node", 1));
    }
    SECTION("endpoint that is not listed") {
        bench.start({"--endpoint", golden_text, "--listed-only", "--node", "10.0.1.10"});
        bench.send(2, 1, udp_flow(1));
        CHECK(bench.counts("endpoint_refused", 1));
        CHECK(bench.returns_only_marker());
    }
    SECTION("more endpoints than --max-endpoints") {
        bench.start({"--endpoint", golden_text, "--max-endpoints", "1"});
        bench.send(2, 1, udp_flow(1));
        bench.send(2, 1, udp_flow(1));
        CHECK(bench.counts("endpoint_refused", 2));
        CHECK(bench.program().wait_for_output("vpce-00000000000000002.*--max-endpoints", 2s));
        CHECK(bench.returns_only_marker());
        const auto log = bench.program().output(); // logged once, not for every packet
        CHECK(log.find("endpoint rejected") != std::string::npos);
        CHECK(log.find("endpoint rejected") == log.rfind("endpoint rejected"));
    }
    SECTION("two endpoints with the same device name") {
        bench.start({"--endpoint", golden_text});
        bench.send(golden_endpoint ^ 1ull << 60, 1, udp_flow(1));
        CHECK(bench.counts("endpoint_refused", 1));
        CHECK(bench.program().wait_for_output("have the same device name " + golden_device, 2s));
    }
    CHECK(bench.counts("returned", bench.counters()["counters"]["inspected"]));
}

TEST_CASE("appliance: --fault injects the named fault") {
    need_root();
    ApplianceBench bench;
    SECTION("silent") {
        bench.start({"--fault", "silent"});
        bench.send(golden_endpoint, 1, udp_flow(1));
        CHECK(bench.counts("fault", 1));
        CHECK(http_get(bench.firewall, "http://127.0.0.1/healthz").code == 200);
    }
    SECTION("stale cookie") {
        bench.start({"--fault", "stale-cookie"});
        for (const std::uint32_t cookie : {1u, 2u}) {
            bench.send(golden_endpoint, cookie, udp_flow(1));
            const auto returned = bench.next();
            REQUIRE(returned);
            CHECK_THAT(returned->header, equals(geneve_header(golden_endpoint, 1)));
        }
    }
    SECTION("UDP checksum") {
        bench.start({"--fault", "udp-checksum"});
        bench.send(golden_endpoint, 1, udp_flow(1));
        const auto returned = bench.next();
        REQUIRE(returned);
        CHECK(returned->udp_checksum == 0xbad1);
    }
}

TEST_CASE("appliance: all packets of many flows are returned in order per flow") {
    need_root();
    ApplianceBench bench;
    bench.start();
    constexpr std::uint32_t flows = 32, rounds = 100;
    std::map<Bytes, std::uint32_t> next_of_flow; // by the inner packet's ports
    for (std::uint32_t round = 0; round < rounds; ++round) {
        for (std::uint32_t flow = 0; flow < flows; ++flow)
            bench.send(golden_endpoint, flow, udp_flow(static_cast<std::uint16_t>(1000 + flow), round),
                       static_cast<std::uint16_t>(49152 + flow));
        for (std::uint32_t i = 0; i < flows; ++i) {
            const auto returned = bench.next();
            REQUIRE(returned);
            const Bytes ports(returned->inner.begin() + 20, returned->inner.begin() + 24);
            Bytes sequence;
            put32(sequence, next_of_flow[ports]++);
            REQUIRE(Bytes(returned->inner.begin() + 28, returned->inner.end()) == sequence);
        }
    }
    CHECK(next_of_flow.size() == flows);
    CHECK(bench.counts("returned", std::uint64_t{flows} * rounds));
    CHECK(bench.counters()["flows"] == flows);
}

TEST_CASE("appliance: exits cleanly on SIGTERM and SIGINT and leaves nothing behind") {
    need_root();
    ApplianceBench bench;
    bench.start({"--endpoint", golden_text});
    CHECK_THAT(leftovers(bench.firewall), Contains(golden_device));
    bench.kill(GENERATE(SIGTERM, SIGINT));
    CHECK(bench.program().code() == 0);
    CHECK(leftovers(bench.firewall) == "");
}

TEST_CASE("appliance: starts despite leftovers of a killed process or a foreign device") {
    need_root();
    ApplianceBench bench;
    SECTION("rules of a killed process") {
        bench.start({"--endpoint", golden_text});
        bench.send(2, 1, udp_flow(1));
        REQUIRE(bench.next());
        bench.kill(SIGKILL);
        CHECK(rules(bench.firewall) == 8);
    }
    SECTION("persistent device with the same name") {
        bench.firewall.must({"ip", "tuntap", "add", "mode", "tun", "multi_queue", "name", golden_device});
    }
    bench.start({"--endpoint", golden_text});
    bench.send_outer(golden_out());
    CHECK(bench.next());
    CHECK(rules(bench.firewall) == 4); // by device and by mark, of both IP versions
    bench.kill(SIGTERM);
    CHECK(leftovers(bench.firewall) == "");
}

TEST_CASE("appliance: failed start is reported in one line and leaves nothing behind") {
    need_root();
    ApplianceBench bench;
    const auto error_of = [&](const std::vector<std::string> &options) {
        const auto result = bench.run(options);
        CHECK(result.code == 1);
        CHECK(std::ranges::count(result.output, '\n') == 1);
        return result.output;
    };
    SECTION("device that is not a multi-queue TUN") {
        bench.firewall.must({"ip", "tuntap", "add", "mode", "tun", "name", golden_device});
        CHECK_THAT(error_of({"--endpoint", golden_text}), Contains("ip link delete " + golden_device));
        bench.firewall.must({"ip", "link", "delete", golden_device});
    }
    SECTION("ports in use") {
        bench.start();
        CHECK_THAT(error_of({"--health", "none"}), Contains("--listen 0.0.0.0:6081"));
        CHECK_THAT(error_of({"--listen", "0.0.0.0:7000"}), Contains("--health"));
        bench.kill(SIGTERM);
    }
    SECTION("address that is not local") {
        CHECK_THAT(error_of({"--listen", "203.0.113.1:6081"}), Contains("--listen 203.0.113.1:6081"));
    }
    CHECK(leftovers(bench.firewall) == "");
    const auto usage = bench.run({"--listen", "nowhere"});
    CHECK(usage.code == 2);
    CHECK_THAT(usage.output, Contains("--listen nowhere"));
    CHECK(bench.run({"--help"}).code == 0);
}
