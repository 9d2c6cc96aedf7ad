// `reset` with real TCP: when a connection's appliance is gone, both its ends hear of it, and who comes again
// is served.
#include <cerrno>
#include <future>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include "abi/config.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

// A second at most, mostly; a retransmission that is lost takes twice as long, and the machine may be busy.
constexpr auto soon = 8s;

sockaddr_in address(const char *ip, std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    ::inet_pton(AF_INET, ip, &at.sin_addr);
    return at;
}

/// A connection from the client to the server's port 9000, both ends in this test's hands.
struct Pair {
    explicit Pair(const TwoArm &world) {
        const auto at = address(TwoArm::server_address, 9000);
        const glb::Fd listener(
            world.server.call([] { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }));
        const int on = 1;
        ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr *>(&at), sizeof at) == 0);
        REQUIRE(::listen(listener.get(), 1) == 0);
        client = glb::Fd(world.client.call([] { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }));
        REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr *>(&at), sizeof at) == 0);
        server = glb::Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(server);
        const timeval patience{.tv_sec = 20, .tv_usec = 0};
        for (const int fd : {client.get(), server.get()})
            for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
                ::setsockopt(fd, SOL_SOCKET, option, &patience, sizeof patience);
    }
    glb::Fd client, server;
};

/// A thread that uses an end of `pair`, and whose end a test that fails need not wait for.
template <typename Function>
class Using {
  public:
    Using(const Pair &pair, Function function, int fd)
        : pair_(pair), end_(std::async(std::launch::async, function, fd)) {}
    ~Using() {
        for (const int fd : {pair_.client.get(), pair_.server.get()})
            (void)::shutdown(fd, SHUT_RDWR);
    }
    auto get() { return end_.get(); }

  private:
    const Pair &pair_;
    std::future<std::invoke_result_t<Function, int>> end_; // waits for its thread when it goes
};

/// How an end's life ended: errno, and when.
struct End {
    int error = 0;
    Clock::time_point at;
};

End read_until_the_end(int fd) {
    std::vector<char> buffer(1 << 16);
    while (true) {
        const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got <= 0)
            return {got == 0 ? 0 : errno, Clock::now()};
    }
}

End write_until_the_end(int fd) {
    const std::vector<char> buffer(1 << 16);
    while (::send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL) > 0) {
    }
    return {errno, Clock::now()};
}

/// Writes the word of every target, as the controller does, at a moment that the test chooses.
void write_words(const Daemon &glbd, std::uint64_t word) {
    for (const auto &entry : std::filesystem::directory_iterator(glbd.bpffs())) {
        const glb::Fd words(::bpf_obj_get((entry.path() / "maps/glb_target_state").c_str()));
        for (std::uint32_t target = 0; words && target < 2; ++target)
            REQUIRE(bpf_map_update_elem(words.get(), &target, &word, BPF_ANY) == 0);
    }
}
void condemn_all(const Daemon &glbd) {
    write_words(glbd, GLB_TARGET_RESET);
}
void mend_all(const Daemon &glbd) {
    write_words(glbd, GLB_TARGET_ACCEPT_NEW | GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC);
}

double seconds(Clock::duration time) {
    return std::chrono::duration<double>(time).count();
}

bool is_reset(int error) {
    return error == ECONNRESET || error == EPIPE;
}

} // namespace

TEST_CASE(
    "reset: both ends of a running download hear of it within a second, and who comes again is served") {
    need_root();
    const TwoArm world({.appliances = 2});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(2));
    Clock::duration worst{};
    for (int round = 0; round < 5; ++round) {
        const Pair pair(world);
        Using writer(pair, write_until_the_end, pair.server.get());
        Using reader(pair, read_until_the_end, pair.client.get());
        std::this_thread::sleep_for(300ms);
        const auto begin = Clock::now();
        condemn_all(glbd);
        const auto server = writer.get(), client = reader.get();
        INFO("round " << round << ": server " << seconds(server.at - begin) << " s, client "
                      << seconds(client.at - begin) << " s");
        CHECK(is_reset(server.error));
        CHECK(client.error == ECONNRESET);
        CHECK(server.at - begin < 1s);
        CHECK(client.at - begin < 1s);
        worst = std::max({worst, server.at - begin, client.at - begin});
        mend_all(glbd);
        REQUIRE(eventually(10s, [&] { return tcp_works(world.client, TwoArm::server_address, 7000); }));
    }
    CHECK(glbd.counter("reset") >= 5);
    tell_drill("both ends of a download told", {10, 0, seconds(worst) * 1000, "ends", "not told"});
}

TEST_CASE("reset: by onTargetFailure, when its target fails, and who comes again is served by another") {
    need_root();
    const TwoArm world({.appliances = 2});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    auto manifest = world.manifest();
    manifest["targetGroups"][0]["onTargetFailure"] = {{"unhealthy", "reset"}};
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    const Pair pair(world);
    Using writer(pair, write_until_the_end, pair.server.get());
    Using reader(pair, read_until_the_end, pair.client.get());
    std::this_thread::sleep_for(300ms);
    const std::string owner = glbd.flows({"--protocol", "tcp"}).at(0).at("target");
    for (const auto &one : world.appliances)
        if (one->id() == owner) // its data goes on to pass: the policy alone ends it
            one->ns().must(
                {"nft",
                 "table ip closed { chain c { type filter hook input priority 0; tcp dport 80 drop; }; }"});
    REQUIRE(eventually(15s, [&] { return glbd.target(owner).at("state") == "unhealthy"; }));
    const auto begin = Clock::now();
    const auto server = writer.get(), client = reader.get();
    INFO("server " << seconds(server.at - begin) << " s, client " << seconds(client.at - begin) << " s");
    CHECK(is_reset(server.error));
    CHECK(client.error == ECONNRESET);
    CHECK(server.at - begin < soon);
    CHECK(client.at - begin < soon);
    CHECK(eventually(10s, [&] { return tcp_works(world.client, TwoArm::server_address, 7000); }));
}

TEST_CASE("reset: an idle connection whose next packet comes from the server only") {
    need_root();
    const TwoArm world({.appliances = 2});
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(2));
    const Pair pair(world);
    REQUIRE(::send(pair.server.get(), "hello", 5, 0) == 5);
    char greeting[8];
    REQUIRE(::recv(pair.client.get(), greeting, sizeof greeting, 0) == 5);
    Using reader(pair, read_until_the_end, pair.client.get());
    std::this_thread::sleep_for(500ms);
    const auto begin = Clock::now();
    condemn_all(glbd);
    REQUIRE(::send(pair.server.get(), "pushed", 6, MSG_NOSIGNAL) == 6);
    const auto client = reader.get(), server = read_until_the_end(pair.server.get());
    INFO("client " << seconds(client.at - begin) << " s, server " << seconds(server.at - begin) << " s");
    CHECK(client.error == ECONNRESET);
    CHECK(server.error == ECONNRESET);
    CHECK(client.at - begin < soon);
    CHECK(server.at - begin < soon);
}

TEST_CASE("reset: a reader whose acknowledgements its dead appliance swallowed is told, too") {
    need_root();
    const TwoArm world({.appliances = 2});
    const TcpServer echo(world.server, 7000);
    Daemon glbd(world.node);
    glbd.start(world.manifest());
    REQUIRE(glbd.wait_healthy(2));
    const Pair pair(world);
    Using writer(pair, write_until_the_end, pair.server.get());
    Using reader(pair, read_until_the_end, pair.client.get());
    std::this_thread::sleep_for(300ms);
    for (const auto &one : world.appliances)
        one->cut();
    std::this_thread::sleep_for(300ms); // in flight: data that came through, and ACKs of it that did not
    condemn_all(glbd);
    const auto begin = Clock::now();
    const auto client = reader.get(), server = writer.get();
    INFO("client " << seconds(client.at - begin) << " s, server " << seconds(server.at - begin) << " s");
    CHECK(client.error == ECONNRESET);
    CHECK(is_reset(server.error));
    // The server must send twice, and its retransmission timer doubles.
    CHECK(client.at - begin < soon);
    CHECK(server.at - begin < soon);
}
