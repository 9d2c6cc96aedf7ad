// Packets that pass the guard by their punt metadata, and forged metadata that does not.
#include <catch2/catch.hpp>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <abi/config.h>

#include "controller/guard/guard_program.h"
#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/guard/punt.h"
#include "tests/netns/guard/router.h"

using namespace glb;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

plan::GuardPlan with_table(const Router &router, std::uint32_t table) {
    auto plan = router.plan();
    for (auto &port : plan.ports)
        port.route_table = table;
    return plan;
}

bool wait_for_payload(Sniffer &sniffer, const std::string &payload) {
    return sniffer.wait_for(
        [&](const auto &seen) {
            return std::string(seen.bytes.begin(), seen.bytes.end()).find(payload) != std::string::npos;
        },
        1s);
}

} // namespace

TEST_CASE("punt path: only the right magic passes, and its packets use the endpoint's route table") {
    need_root();
    const Router router;
    router.server.address("eth0", "203.0.113.9/32");
    router.server.address("eth0", "203.0.113.10/32");
    for (const auto &[prefix, device] :
         std::vector<std::pair<std::string, std::string>>{{"192.0.2.0/24", "cli0"},
                                                          {"198.51.100.0/24", "srv0"},
                                                          {"2001:db8:1::/64", "cli0"},
                                                          {"2001:db8:2::/64", "srv0"}})
        router.node.must({"ip", "route", "add", prefix, "dev", device, "table", "77"});
    router.node.must({"ip", "route", "add", "203.0.113.9", "via", "198.51.100.2", "table", "77"});
    router.node.must({"ip", "route", "add", "203.0.113.10", "via", "198.51.100.2"});
    NodeGuard guard(router);
    guard.install(with_table(router, 77));
    const PuntForger client_side(router.node, "cli0", magic), server_side(router.node, "srv0", magic);
    CHECK_FALSE(router.passes()); // no magic is set yet
    guard.set_magic(magic);
    CHECK(router.ping("198.51.100.2"));
    CHECK(router.ping("2001:db8:2::2"));
    CHECK(router.ping("203.0.113.9"));        // the main table has no route there
    CHECK_FALSE(router.ping("203.0.113.10")); // only the main table has a route there
    guard.set_magic(magic + 1);
    CHECK_FALSE(router.passes());
}

TEST_CASE("punt path: magic stays valid after a restart of the daemon") {
    need_root();
    const Router router;
    const PuntForger client_side(router.node, "cli0", magic), server_side(router.node, "srv0", magic);
    {
        NodeGuard first(router);
        first.install(router.plan());
        first.set_magic(magic);
    }
    NodeGuard second(router);
    second.install(router.plan());
    CHECK(router.ping("198.51.100.2"));
}

TEST_CASE("punt path: metadata forged at a veth's peer with a wrong magic is dropped") {
    need_root();
    const Router router;
    const auto pass = with_xdp_pass(router.node, "cli0");
    router.client.must({"ip", "link", "add", "inj0", "type", "veth", "peer", "name", "inj1"});
    for (const std::string dev : {"inj0", "inj1"})
        router.client.must({"ip", "link", "set", dev, "up"});
    NodeGuard guard(router);
    guard.install(router.plan());
    guard.set_magic(magic);
    REQUIRE(router.ping("192.0.2.1")); // resolves the neighbours
    const auto out = router.client.ifindex("eth0");
    const auto frame_to = [&](const std::string &payload) -> Bytes {
        return Eth{.dst = Mac(mac_text(router.node, "cli0")), .src = Mac(mac_text(router.client, "eth0"))} /
               IPv4{.src = "192.0.2.2", .dst = "198.51.100.2"} / Udp{.sport = 4000, .dport = 4001} /
               Payload(payload);
    };
    const auto arrives = [&](std::uint32_t written_magic, const std::string &payload) {
        const PuntForger forger(router.client, "inj0", written_magic, out);
        Sniffer server(router.server, "eth0");
        send_frame(router.client, "inj1", frame_to(payload));
        return wait_for_payload(server, payload);
    };
    CHECK_FALSE(arrives(magic + 1, "forged"));
    CHECK(guard.uninspected() >= 1);
    CHECK(arrives(magic, "known")); // control: the frame is well-formed, and only the magic decides
}

TEST_CASE("punt path: 'ct state invalid drop' of the host does not drop punted midstream packets") {
    need_root();
    const Router router;
    router.node.must({"nft",
                      "add table ip host; add chain ip host onward { type filter hook forward priority 0; }; "
                      "add rule ip host onward ct state invalid drop"});
    router.node.sysctl("net/netfilter/nf_conntrack_tcp_loose", "0");
    NodeGuard guard(router);
    guard.install(router.plan());
    guard.set_magic(magic);
    const PuntForger client_side(router.node, "cli0", magic), server_side(router.node, "srv0", magic);
    REQUIRE(router.ping("198.51.100.2"));
    const auto arrives = [&](const std::string &payload) {
        Sniffer server(router.server, "eth0");
        const Bytes frame =
            Eth{.dst = Mac(mac_text(router.node, "cli0")), .src = Mac(mac_text(router.client, "eth0"))} /
            IPv4{.src = "192.0.2.2", .dst = "198.51.100.2"} / Tcp{.sport = 4000, .seq = 1000, .ack = 1000} /
            Payload(payload);
        send_frame(router.client, "eth0", frame);
        return wait_for_payload(server, payload);
    };
    CHECK(arrives("untracked"));
    router.node.must({"nft", "flush", "chain", "inet", "glb", "prerouting"});
    CHECK_FALSE(arrives("invalid")); // control: the host's rule drops tracked packets
}

TEST_CASE("guard filter: only packets of the endpoint's VLANs are marked") {
    need_root();
    const Router router;
    auto plan = router.plan();
    plan.ports.resize(1);
    plan.ports[0].vlans = {100, 0};
    plan.ports[0].devices.clear();
    {
        NodeGuard guard(router);
        guard.install(plan);
        CHECK(router.passes()); // untagged frames do not belong to the endpoint
    }
    const auto mark_of = [&](const Bytes &frame) {
        return router.node.call([&] {
            auto program =
                must(guard::GuardProgram::load(router.bpffs.path() / "other", plan.mark_mask, true));
            must(program.write_ports(plan));
            __sk_buff in{}, out{};
            in.ifindex = plan.ports[0].ifindex;
            in.mark = 0x5;
            LIBBPF_OPTS(bpf_test_run_opts, run);
            run.data_in = frame.data();
            run.data_size_in = static_cast<__u32>(frame.size());
            run.ctx_in = &in;
            run.ctx_size_in = sizeof in;
            run.ctx_out = &out;
            run.ctx_size_out = sizeof out;
            if (const int error = bpf_prog_test_run_opts(program.fd(), &run))
                throw std::runtime_error("test run failed: " + std::to_string(error));
            return out.mark;
        });
    };
    CHECK(mark_of(Eth{} / Vlan{100} / IPv4{} / Udp{}) == (plan::guard_mark(plan.mark_mask) | 0x5));
    CHECK(mark_of(Eth{} / Vlan{200} / IPv4{} / Udp{}) == 0x5);
    CHECK(mark_of(Eth{} / IPv4{} / Udp{}) == 0x5);
    CHECK(mark_of(Eth{} / Vlan{100} / Vlan{7} / IPv4{} / Udp{}) == 0x5);
}

TEST_CASE("punt path: a punted packet that leaves where it entered provokes no ICMP redirect") {
    need_root();
    const Router router;
    const auto &node = router.node;
    node.must({"ip", "neigh", "add", "192.0.2.99", "lladdr", "02:00:00:00:00:99", "dev", "cli0"});
    node.must({"ip", "route", "add", "203.0.113.0/24", "via", "192.0.2.99"});
    unsigned sent = 0;
    // Whether the packet is forwarded, and answered with a redirect to 192.0.2.99.
    const auto send = [&] {
        const auto payload = fmt::format("hairpin {}", ++sent);
        Sniffer client(router.client, "eth0");
        send_frame(
            router.client, "eth0",
            Bytes(Eth{.dst = Mac(mac_text(node, "cli0")), .src = Mac(mac_text(router.client, "eth0"))} /
                  IPv4{.src = "192.0.2.2", .dst = "203.0.113.9"} / Udp{} / Payload(payload)));
        const bool is_forwarded = client.wait_for(
            [&](const auto &seen) {
                return !seen.outgoing && seen.bytes.at(5) == 0x99 &&
                       std::string(seen.bytes.begin(), seen.bytes.end()).find(payload) != std::string::npos;
            },
            1s);
        const bool is_redirected = client.wait_for(
            [](const auto &seen) {
                return !seen.outgoing && seen.bytes.size() > 34 && seen.bytes[23] == 1 && seen.bytes[34] == 5;
            },
            is_forwarded ? 200ms : 0ms);
        return std::pair(is_forwarded, is_redirected);
    };
    REQUIRE(send() == std::pair(true, true)); // the kernel's default: both `all` and the interface are 1
    NodeGuard guard(router);
    guard.install(router.plan());
    guard.set_magic(magic);
    const PuntForger client_side(node, "cli0", magic);
    CHECK(send() == std::pair(true, false));
    guard.remove();
    CHECK(node.must({"sysctl", "-n", "net.ipv4.conf.all.send_redirects"}) == "1\n");
}
