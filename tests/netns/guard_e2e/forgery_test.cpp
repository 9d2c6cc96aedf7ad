// Metadata forged by a program at the peer of a veth does not open the punt path, even with the right magic.
#include <catch2/catch.hpp>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <forgery_peek.skel.h>

#include "tests/harness/packet.h"
#include "tests/harness/skip.h"
#include "tests/netns/guard/punt.h"
#include "tests/netns/testbed/frames.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr auto own_address = "198.51.100.99"; ///< behind the node, and listed in node.ownAddresses

std::uint32_t magic_of(const Daemon &glbd) {
    const glb::Fd map(bpf_obj_get((glbd.bpffs() / "guard/glb_guard_magic").c_str()));
    std::uint32_t key = 0, magic = 0;
    if (!map || bpf_map_lookup_elem(map.get(), &key, &magic) != 0 || magic == 0)
        throw std::runtime_error("the guard has no punt magic");
    return magic;
}

bool has_payload(const Sniffer::Frame &frame, const std::string &payload) {
    return !frame.outgoing &&
           std::string(frame.bytes.begin(), frame.bytes.end()).find(payload) != std::string::npos;
}

struct Fixture {
    Fixture() : glbd(testbed.node) {
        testbed.server.address("eth0", fmt::format("{}/24", own_address));
        auto manifest = testbed.manifest();
        manifest["node"]["ownAddresses"] = {fmt::format("{}/32", own_address)};
        glbd.start(manifest);
        if (!glbd.wait_healthy(1) || !ping(testbed.client, TwoArm::server_address))
            throw std::runtime_error("traffic does not pass: " + glbd.log());
        if (!ping(testbed.node, own_address))
            throw std::runtime_error("the node cannot reach the server");
        for (const auto *host : {&testbed.client, &testbed.fabric}) {
            host->must({"ip", "link", "add", "inj0", "type", "veth", "peer", "name", "inj1"});
            for (const std::string dev : {"inj0", "inj1"})
                host->must({"ip", "link", "set", dev, "up"});
        }
        // Counts forwarded packets with the endpoint's mark, before all other chains.
        testbed.node.must({"nft", "table inet observer { counter marked { }; chain forward {"
                                  " type filter hook forward priority -400;"
                                  " meta mark & 0x0fff0000 == 0x00010000 counter name marked; }; }"});
    }

    /// Sends a frame with metadata of that magic on `dev`. True if the server receives its payload within
    /// `timeout`.
    [[nodiscard]] bool arrives(const Namespace &from, const std::string &dev, std::uint32_t magic,
                               const Bytes &frame, const std::string &payload,
                               milliseconds timeout = 500ms) const {
        const PuntForger forger(from, "inj0", magic, from.ifindex(dev));
        Sniffer server(testbed.server, "eth0");
        send_frame(from, "inj1", frame);
        return server.wait_for([&](const auto &seen) { return has_payload(seen, payload); }, timeout);
    }

    [[nodiscard]] Bytes from_client(const std::string &destination, const std::string &payload) const {
        return Eth{.dst = mac_of(testbed.node, "cli0"), .src = mac_of(testbed.client, "eth0")} /
               IPv4{.src = TwoArm::client_address, .dst = destination} / Udp{.dport = 4001} /
               Payload(payload);
    }

    [[nodiscard]] std::uint64_t marked() const {
        const auto rows =
            json::parse(testbed.node.must({"nft", "-j", "list", "counters", "table", "inet", "observer"}));
        for (const auto &row : rows.at("nftables"))
            if (row.contains("counter"))
                return row.at("counter").at("packets");
        throw std::runtime_error("the node has no nftables counter");
    }

    TwoArm testbed;
    Daemon glbd;
};

} // namespace

TEST_CASE("forged metadata: running glbd strips it from passed packets, even with the right magic") {
    need_root();
    const Fixture fixture;
    const auto magic = magic_of(fixture.glbd);
    // Control: a packet to an unresolved neighbour is punted and counted.
    fixture.testbed.server.address("eth0", "198.51.100.98/24");
    REQUIRE(ping(fixture.testbed.client, "198.51.100.98"));
    CHECK(fixture.marked() >= 1);

    // Endpoint traffic that is passed to the stack as local; the kernel would route it without the guard.
    const auto marked = fixture.marked();
    for (const std::uint32_t tried : {magic, magic + 1, magic & 0xffff0000}) {
        const auto dropped = fixture.glbd.uninspected();
        const auto local = fixture.glbd.counter("local");
        const auto payload = fmt::format("forged by the client {:x}", tried);
        CHECK_FALSE(fixture.arrives(fixture.testbed.client, "eth0", tried,
                                    fixture.from_client(own_address, payload), payload));
        CHECK(fixture.glbd.counter("local") >= local + 1);
        CHECK(eventually(5s, [&] { return fixture.glbd.uninspected() == dropped + 1; }));
    }
    CHECK(fixture.marked() == marked);

    // An appliance's own traffic on the tunnel interface: routed with or without metadata, and never marked.
    const auto &fw = fixture.testbed.appliances.front()->ns();
    for (const std::uint32_t tried : {magic, magic + 1}) {
        const auto payload = fmt::format("forged in the fabric {:x}", tried);
        const Bytes frame = Eth{.dst = mac_of(fixture.testbed.node, "under0"), .src = mac_of(fw, "eth0")} /
                            IPv4{.src = "10.1.0.11", .dst = TwoArm::server_address} / Udp{.dport = 4001} /
                            Payload(payload);
        CHECK(fixture.arrives(fixture.testbed.fabric, "node", tried, frame, payload, 5s));
    }
    CHECK(fixture.marked() == marked);
    INFO(fixture.glbd.log());
    CHECK(ping(fixture.testbed.client, TwoArm::server_address));
}

TEST_CASE("forged metadata: without glbd and its programs, only the right magic passes the guard") {
    need_root();
    Fixture fixture;
    const auto magic = magic_of(fixture.glbd);
    // Without a pin and a process that has it open, the kernel empties the filter's program array.
    const glb::Fd tail_calls(bpf_obj_get((fixture.glbd.bpffs() / "guard/glb_guard_tailcalls").c_str()));
    REQUIRE(tail_calls);
    fixture.glbd.kill9();
    fixture.glbd.force_detach(fixture.testbed.devices);
    // A foreign XDP program, since a veth accepts metadata only with one attached.
    const auto pass = with_xdp_pass(fixture.testbed.node, "cli0");
    const auto passes = [&](std::uint32_t tried, milliseconds timeout = 500ms) {
        const auto payload = fmt::format("forged without glbd {:x}", tried);
        return fixture.arrives(fixture.testbed.client, "eth0", tried,
                               fixture.from_client(TwoArm::server_address, payload), payload, timeout);
    };
    const auto marked = fixture.marked();
    for (const std::uint32_t tried : {std::uint32_t{0}, magic + 1, ~magic, magic & 0xffff0000})
        CHECK_FALSE(passes(tried));
    CHECK(fixture.marked() == marked);
    CHECK(passes(magic, 5s)); // control: the frames are well-formed, and only the magic decides
}

TEST_CASE("punt path: packets leave the node without metadata that would reveal the magic") {
    need_root();
    const bool by_xdp = GENERATE(false, true);
    TwoArm testbed;
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(ping(testbed.client, TwoArm::server_address));

    auto *peek = forgery_peek__open();
    REQUIRE(peek != nullptr);
    peek->rodata->wanted = magic_of(glbd);
    REQUIRE(forgery_peek__load(peek) == 0);
    const auto index = static_cast<int>(testbed.server.ifindex("eth0"));
    bpf_link *link = nullptr;
    if (by_xdp)
        testbed.free_server_hook();
    testbed.server.call([&] {
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = index, .attach_point = BPF_TC_INGRESS);
        LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(peek->progs.forgery_peek_tc));
        if (by_xdp)
            link = bpf_program__attach_xdp(peek->progs.forgery_peek_xdp, index);
        else if (bpf_tc_hook_create(&hook) != 0 || bpf_tc_attach(&hook, &opts) != 0)
            throw std::runtime_error("cannot attach the peek program");
    });
    const auto punted = glbd.counter("punted");
    for (int host = 100; host < 110; host++) {
        const auto address = fmt::format("198.51.100.{}", host);
        testbed.server.address("eth0", address + "/24");
        (void)ping(testbed.client, address);
    }
    CHECK(glbd.counter("punted") >= punted + 10);
    CHECK(peek->bss->frames >= 20);
    CHECK(peek->bss->found == 0);
    bpf_link__destroy(link);
    forgery_peek__destroy(peek);
}
