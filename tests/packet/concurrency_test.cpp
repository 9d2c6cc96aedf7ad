// Two CPUs run the loaded program over one small flow table concurrently, each with one orientation of every
// flow, as RSS would distribute them. None of these may occur: a packet sent to another target than its
// flow's, a cookie of another flow's entry, a returned packet dropped, two entries of one flow, counters that
// mix flows.
#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <set>
#include <thread>

#include <linux/bpf.h>
#include <pthread.h>
#include <sys/mman.h>

#include "abi/flow.h"
#include "tests/harness/skip.h"
#include "tests/packet/rig.h"

using namespace glb;
using namespace glb::test;

namespace {

constexpr std::uint32_t flow_number =
    7500; // in a table of 4,096, three quarters of which are filled by entries that may not be evicted
constexpr std::uint16_t target_number = 31;
constexpr std::size_t rounds = 4;
constexpr std::uint32_t packets_a_round = 30000;

/// Behaviour of a flow, by its number modulo 5. The last kind is sometimes reset, and restarts immediately.
enum Kind { tcp_two_way, tcp_syn, udp_two_way, udp_one_way, tcp_restarted };

struct Flow {
    std::array<Bytes, 2> frame; ///< of the client, of the server
    std::array<Bytes, 2> end;   ///< that end the flow
    std::uint32_t inner_length = 0;
    Kind kind = tcp_two_way;
};

/// The client's address encodes the flow's number, the length of its packets the number modulo a prime.
std::vector<Flow> make_flows() {
    std::vector<Flow> flows(flow_number);
    for (std::uint32_t i = 0; i < flow_number; ++i) {
        const Ip4 client(("10.20." + std::to_string(i >> 8) + "." + std::to_string(i & 255)).c_str());
        const Ip4 server = "198.51.100.20";
        auto &flow = flows[i];
        flow.kind = static_cast<Kind>(i % 5);
        const auto transport = [&](bool there, std::uint8_t flags) -> Packet {
            const std::uint16_t sport = there ? 4000 : 443, dport = there ? 443 : 4000;
            if (flow.kind == udp_two_way || flow.kind == udp_one_way)
                return Udp{.sport = sport, .dport = dport};
            return Tcp{.sport = sport, .dport = dport, .flags = flags};
        };
        const auto flags = flow.kind == tcp_two_way ? tcp::ack : tcp::syn;
        const Payload body(std::size_t{i % 97});
        const auto make = [&](std::uint8_t with) -> std::array<Bytes, 2> {
            return {Eth{.dst = node_mac} / IPv4{.src = client, .dst = server} / transport(true, with) / body,
                    Eth{.dst = node_mac} / IPv4{.src = server, .dst = client} / transport(false, with) /
                        body};
        };
        flow.frame = make(flags);
        flow.end = make(tcp::rst);
        flow.inner_length = static_cast<std::uint32_t>(flow.frame[0].size()) - 14;
    }
    return flows;
}

/// The flow table as the controller sees it.
class Table {
  public:
    explicit Table(const datapath::DatapathHandles &handles)
        : hot(map<glb_flow_hot>(handles.map(datapath::Map::flows_hot))),
          cold(map<glb_flow_cold>(handles.map(datapath::Map::flows_cold))) {}
    ~Table() {
        ::munmap(const_cast<glb_flow_hot *>(hot), sizeof *hot * GLB_FLOW_MIN_CAPACITY);
        ::munmap(const_cast<glb_flow_cold *>(cold), sizeof *cold * GLB_FLOW_MIN_CAPACITY);
    }
    Table(const Table &) = delete;
    Table &operator=(const Table &) = delete;

    std::uint64_t meta(std::uint32_t slot) const {
        return __atomic_load_n(&hot[slot].meta, __ATOMIC_ACQUIRE);
    }

    /// Whether the slot has had so many entries since that a packet with this cookie is not accepted: this thread was
    /// interrupted meanwhile. (GLB_COOKIE_GENERATIONS in bpf/tunnel/verify_owner.h.)
    bool has_passed(std::uint32_t cookie) const {
        constexpr std::uint8_t accepted = 8;
        return !(cookie >> 31) && static_cast<std::uint8_t>((meta(cookie >> 8) >> GLB_META_GENERATION_SHIFT) -
                                                            cookie) >= accepted;
    }

    /// The flow whose entry of `generation` the slot holds; -1 if it holds another entry or is being written.
    std::int64_t flow_at(std::uint32_t slot, std::uint8_t generation) const {
        const auto before = meta(slot);
        const auto low = __atomic_load_n(&cold[slot].low[0], __ATOMIC_RELAXED);
        const auto high = __atomic_load_n(&cold[slot].high[0], __ATOMIC_RELAXED);
        const auto after = meta(slot);
        for (const auto word : {before, after})
            if ((word & GLB_META_BUSY) || !(word >> GLB_META_CODE_SHIFT & 0x1f) ||
                static_cast<std::uint8_t>(word >> GLB_META_GENERATION_SHIFT) != generation)
                return -1;
        for (const auto address : {low, high})
            if ((address & 0xffff) == 0x140a) // 10.20.
                return (address >> 16 & 0xff) << 8 | address >> 24;
        return flow_number; // not a flow of this test
    }

    const glb_flow_hot *hot;
    const glb_flow_cold *cold;

  private:
    template <typename Line>
    static const Line *map(int fd) {
        void *at = ::mmap(nullptr, sizeof(Line) * GLB_FLOW_MIN_CAPACITY, PROT_READ, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED)
            throw std::runtime_error("mmap of the flow table");
        return static_cast<const Line *>(at);
    }
};

struct Tally {
    std::uint64_t sent = 0, returned = 0, tracked = 0;
    std::uint64_t not_sent = 0, wrong_targets = 0, wrong_cookies = 0, not_accepted = 0;
};

/// The target that a flow was first sent to; every later packet must be sent to the same one.
using Owners = std::array<std::atomic<int>, flow_number>;

/// Turns a tunnel packet into the one that its target returns: swaps the addresses.
void make_return_frame(Bytes &frame) {
    std::copy(node_mac.bytes.begin(), node_mac.bytes.end(), frame.begin());
    std::swap_ranges(frame.begin() + outer_offset + 12, frame.begin() + outer_offset + 16,
                     frame.begin() + outer_offset + 16);
}

void run_packets(Tally &tally, const Rig &rig, const Table &table, const std::vector<Flow> &flows,
                 Owners &owners, unsigned orientation, std::uint64_t seed) {
    const RunOptions options{.ingress_ifindex = 1, .most_out = 512};
    std::uint64_t state = seed;
    for (std::uint32_t i = 0; i < packets_a_round; ++i) {
        // Both CPUs use the same order, so that they insert the same flows; sometimes one of them skips one.
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        const auto number = static_cast<std::uint32_t>((state >> 33) % flow_number);
        const auto &flow = flows[number];
        const bool ends = flow.kind == tcp_restarted && (state >> 20) % 4 == 0;
        auto out =
            run_xdp(rig.roles.handles->program(), (ends ? flow.end : flow.frame)[orientation], options);
        ++tally.sent;
        if (out.verdict != XDP_REDIRECT) {
            ++tally.not_sent;
            continue;
        }
        int owner = -1;
        const int target = out.bytes.at(5);
        if (!owners[number].compare_exchange_strong(owner, target) && owner != target)
            ++tally.wrong_targets;
        // Cookies of packets without an entry have the upper bit set.
        const auto cookie = cookie_of(out.bytes);
        if (!(cookie >> 31)) {
            ++tally.tracked;
            const auto found = table.flow_at(cookie >> 8, static_cast<std::uint8_t>(cookie));
            if (found >= 0 && found != number)
                ++tally.wrong_cookies;
        }
        if (flow.kind == udp_one_way)
            continue;
        make_return_frame(out.bytes);
        ++tally.returned;
        if (run_xdp(rig.roles.handles->program(), out.bytes, options).verdict != XDP_PASS &&
            !table.has_passed(cookie))
            ++tally.not_accepted;
    }
}

void pin_to(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

/// 31 targets, identified by the last byte of their MAC.
void many_targets(Rig &rig) {
    for (auto &endpoint : rig.config.endpoints)
        endpoint.punt = true; // without a limit: what is returned here has no route
    rig.config.targets.resize(1);
    rig.config.senders.clear();
    const auto first = rig.config.targets[0];
    rig.config.targets.clear();
    for (std::uint16_t i = 0; i < target_number; ++i) {
        auto target = first;
        target.index = i;
        target.address = *IpAddress::parse("10.0.1." + std::to_string(20 + i));
        target.address_id = i + 1u;
        target.path->destination.bytes[5] = static_cast<std::uint8_t>(i + 1);
        rig.config.senders.push_back({target.address, target.address_id, std::nullopt});
        rig.config.targets.push_back(target);
        REQUIRE(rig.roles.state.set_target_state(i, GLB_TARGET_ACCEPT_NEW | GLB_TARGET_KEEP_ESTABLISHED |
                                                        GLB_TARGET_KEEP_EMBRYONIC));
    }
    std::vector<std::uint16_t> slots(GLB_MAGLEV_SLOTS);
    for (std::size_t i = 0; i < slots.size(); ++i)
        slots[i] = static_cast<std::uint16_t>(i % target_number);
    REQUIRE(rig.roles.config.put_maglev(5, slots));
    rig.apply();
}

struct Audit {
    std::uint64_t live = 0, busy = 0, duplicates = 0, unknown_flows = 0, mixed_counts = 0, wrong_targets = 0;
};

/// The table after all packets.
Audit audit(const Table &table, const std::vector<Flow> &flows, const Owners &owners) {
    Audit found;
    std::set<std::int64_t> seen;
    for (std::uint32_t slot = 0; slot < GLB_FLOW_MIN_CAPACITY; ++slot) {
        const auto meta = table.meta(slot);
        found.busy += (meta & GLB_META_BUSY) != 0;
        if ((meta & GLB_META_BUSY) || !(meta >> GLB_META_CODE_SHIFT & 0x1f))
            continue;
        ++found.live;
        const auto number = table.flow_at(slot, static_cast<std::uint8_t>(meta >> GLB_META_GENERATION_SHIFT));
        if (number < 0 || number >= flow_number) {
            ++found.unknown_flows;
            continue;
        }
        found.duplicates += !seen.insert(number).second;
        const auto flow = static_cast<std::size_t>(number);
        const auto target = static_cast<int>(meta >> GLB_META_TARGET_SHIFT & 0xffff);
        found.wrong_targets += owners[flow] >= 0 && owners[flow] != target + 1;
        for (const auto &count : table.hot[slot].count)
            found.mixed_counts += count.bytes != count.packets * flows[flow].inner_length;
    }
    return found;
}

} // namespace

TEST_CASE("concurrency: two CPUs use one flow table without duplicates or foreign entries", "[concurrency]") {
    need_root();
    if (std::thread::hardware_concurrency() < 2)
        skip("needs two CPUs");
    Rig rig;
    many_targets(rig);
    const Table table(*rig.roles.handles);
    const auto flows = make_flows();
    Owners owners;
    for (auto &owner : owners)
        owner = -1;

    for (std::size_t round = 0; round < rounds; ++round) {
        std::array<Tally, 2> tallies;
        std::array<std::thread, 2> threads;
        for (unsigned cpu = 0; cpu < 2; ++cpu)
            threads[cpu] = std::thread([&, cpu] {
                pin_to(cpu);
                run_packets(tallies[cpu], rig, table, flows, owners, cpu, 99 + round);
            });
        for (auto &thread : threads)
            thread.join();
        for (const auto &tally : tallies) {
            CHECK(tally.sent == packets_a_round);
            CHECK(tally.tracked > packets_a_round / 2);
            CHECK(tally.not_sent == 0);
            CHECK(tally.wrong_targets == 0);
            CHECK(tally.wrong_cookies == 0);
            CHECK(tally.not_accepted == 0);
        }
        const auto found = audit(table, flows, owners);
        CHECK(found.live > GLB_FLOW_MIN_CAPACITY / 2);
        CHECK(found.busy == 0);
        CHECK(found.duplicates == 0);
        CHECK(found.unknown_flows == 0);
        CHECK(found.wrong_targets == 0);
        CHECK(found.mixed_counts == 0);
    }
    WARN(rig.count(GLB_COUNT_FLOW_NEW) + rig.count(GLB_COUNT_FLOW_MIDSTREAM)
         << " inserted, " << rig.count(GLB_COUNT_FLOW_REPLACED) << " replaced, "
         << rig.count(GLB_COUNT_FLOW_DUPLICATE_REMOVED) << " duplicates removed, "
         << rig.count(GLB_COUNT_UNTRACKED) << " untracked, " << rig.count(GLB_COUNT_RETURN_UNTRACKED)
         << " returned untracked");
    CHECK(rig.count(GLB_COUNT_FLOW_REPLACED) > 0);
    CHECK(rig.count(GLB_COUNT_UNTRACKED) > 0);
}
