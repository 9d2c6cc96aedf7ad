// Metadata forged by a program at the far end of a veth opens nothing, be its magic the door's own.
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

constexpr auto own_address = "198.51.100.99"; ///< beyond the node, and named in node.ownAddresses

std::uint32_t magic_of(const Daemon &glbd) {
    const glb::Fd map(bpf_obj_get((glbd.bpffs() / "guard/glb_guard_magic").c_str()));
    std::uint32_t key = 0, magic = 0;
    if (!map || bpf_map_lookup_elem(map.get(), &key, &magic) != 0 || magic == 0)
        throw std::runtime_error("the guard has no magic");
    return magic;
}

bool holds(const Sniffer::Frame &frame, const std::string &payload) {
    return !frame.outgoing &&
           std::string(frame.bytes.begin(), frame.bytes.end()).find(payload) != std::string::npos;
}

struct Forgery {
    Forgery() : glbd(world.node) {
        world.server.address("eth0", fmt::format("{}/24", own_address));
        auto manifest = world.manifest();
        manifest["node"]["ownAddresses"] = {fmt::format("{}/32", own_address)};
        glbd.start(manifest);
        if (!glbd.wait_healthy(1) || !ping(world.client, TwoArm::server_address))
            throw std::runtime_error("traffic does not pass: " + glbd.log());
        if (!ping(world.node, own_address))
            throw std::runtime_error("the node does not know the server");
        for (const auto *host : {&world.client, &world.fabric}) {
            host->must({"ip", "link", "add", "inj0", "type", "veth", "peer", "name", "inj1"});
            for (const std::string dev : {"inj0", "inj1"})
                host->must({"ip", "link", "set", dev, "up"});
        }
        // Where the stack forwards, before anything else looks: packets with the endpoint's mark.
        world.node.must({"nft", "table inet spy { counter marked { }; chain onward {"
                                " type filter hook forward priority -400;"
                                " meta mark & 0x0fff0000 == 0x00010000 counter name marked; }; }"});
    }

    /// Sends a frame with metadata of that magic out of `dev`; true where the server gets its payload within
    /// `patience`.
    [[nodiscard]] bool arrives(const Namespace &from, const std::string &dev, std::uint32_t magic,
                               const Bytes &frame, const std::string &payload,
                               milliseconds patience = 500ms) const {
        const Door forger(from, "inj0", magic, from.ifindex(dev));
        Sniffer server(world.server, "eth0");
        send_frame(from, "inj1", frame);
        return server.wait_for([&](const auto &seen) { return holds(seen, payload); }, patience);
    }

    [[nodiscard]] Bytes from_client(const std::string &destination, const std::string &payload) const {
        return Eth{.dst = mac_of(world.node, "cli0"), .src = mac_of(world.client, "eth0")} /
               IPv4{.src = TwoArm::client_address, .dst = destination} / Udp{.dport = 4001} /
               Payload(payload);
    }

    [[nodiscard]] std::uint64_t marked() const {
        const auto rows =
            json::parse(world.node.must({"nft", "-j", "list", "counters", "table", "inet", "spy"}));
        for (const auto &row : rows.at("nftables"))
            if (row.contains("counter"))
                return row.at("counter").at("packets");
        throw std::runtime_error("no counter");
    }

    TwoArm world;
    Daemon glbd;
};

} // namespace

TEST_CASE("forgery: with glbd running, metadata with the door's own magic is taken off what is passed up") {
    need_root();
    const Forgery it;
    const auto magic = magic_of(it.glbd);
    // The spy sees what the door lets through: the first packet to a neighbour that is not resolved yet.
    it.world.server.address("eth0", "198.51.100.98/24");
    REQUIRE(ping(it.world.client, "198.51.100.98"));
    CHECK(it.marked() >= 1);

    // An endpoint's, passed up as the node's own, and routed onward by the kernel if the guard lets it.
    auto marked = it.marked();
    for (const std::uint32_t its_magic : {magic, magic + 1, magic & 0xffff0000}) {
        const auto stopped = it.glbd.uninspected();
        const auto own = it.glbd.counter("local");
        const auto payload = fmt::format("forged by the client {:x}", its_magic);
        CHECK_FALSE(
            it.arrives(it.world.client, "eth0", its_magic, it.from_client(own_address, payload), payload));
        CHECK(it.glbd.counter("local") >= own + 1);
        CHECK(eventually(5s, [&] { return it.glbd.uninspected() == stopped + 1; }));
    }
    CHECK(it.marked() == marked);

    // An appliance's own traffic by the tunnel interface: routed, with or without metadata, and never marked.
    const auto &fw = it.world.appliances.front()->ns();
    for (const std::uint32_t its_magic : {magic, magic + 1}) {
        const auto payload = fmt::format("forged in the fabric {:x}", its_magic);
        const Bytes frame = Eth{.dst = mac_of(it.world.node, "under0"), .src = mac_of(fw, "eth0")} /
                            IPv4{.src = "10.1.0.11", .dst = TwoArm::server_address} / Udp{.dport = 4001} /
                            Payload(payload);
        CHECK(it.arrives(it.world.fabric, "node", its_magic, frame, payload, 5s));
    }
    CHECK(it.marked() == marked);
    INFO(it.glbd.log());
    CHECK(ping(it.world.client, TwoArm::server_address));
}

TEST_CASE("forgery: with glbd dead and its program detached, only who knows the magic is let in") {
    need_root();
    Forgery it;
    const auto magic = magic_of(it.glbd);
    it.glbd.kill9();
    it.glbd.detach_by_hand(it.world.devices);
    // Somebody's own program, so that the veth takes frames with metadata.
    const auto pass = with_xdp_pass(it.world.node, "cli0");
    const auto tries = [&](std::uint32_t its_magic, milliseconds patience = 500ms) {
        const auto payload = fmt::format("forged in the dark {:x}", its_magic);
        return it.arrives(it.world.client, "eth0", its_magic, it.from_client(TwoArm::server_address, payload),
                          payload, patience);
    };
    const auto marked = it.marked();
    for (const std::uint32_t its_magic : {std::uint32_t{0}, magic + 1, ~magic, magic & 0xffff0000})
        CHECK_FALSE(tries(its_magic));
    CHECK(it.marked() == marked);
    CHECK(tries(magic, 5s)); // so the frames were good, and the magic is what counts
}

TEST_CASE("forgery: what leaves by the door tells nobody its magic") {
    need_root();
    const bool by_xdp = GENERATE(false, true);
    TwoArm world;
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(1));
    REQUIRE(ping(world.client, TwoArm::server_address));

    auto *peek = forgery_peek__open();
    REQUIRE(peek != nullptr);
    peek->rodata->wanted = magic_of(glbd);
    REQUIRE(forgery_peek__load(peek) == 0);
    const auto index = static_cast<int>(world.server.ifindex("eth0"));
    bpf_link *link = nullptr;
    if (by_xdp)
        world.free_server_hook();
    world.server.call([&] {
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = index, .attach_point = BPF_TC_INGRESS);
        LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(peek->progs.forgery_peek_tc));
        if (by_xdp)
            link = bpf_program__attach_xdp(peek->progs.forgery_peek_xdp, index);
        else if (bpf_tc_hook_create(&hook) != 0 || bpf_tc_attach(&hook, &opts) != 0)
            throw std::runtime_error("the peek does not attach");
    });
    const auto door = glbd.counter("punted");
    for (int host = 100; host < 110; host++) {
        const auto address = fmt::format("198.51.100.{}", host);
        world.server.address("eth0", address + "/24");
        (void)ping(world.client, address);
    }
    CHECK(glbd.counter("punted") >= door + 10);
    CHECK(peek->bss->frames >= 20);
    CHECK(peek->bss->found == 0);
    bpf_link__destroy(link);
    forgery_peek__destroy(peek);
}
