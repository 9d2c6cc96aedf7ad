// onTargetFailure `reset` with the kernel's TCP: both ends of a connection are reset when its target fails,
// and new connections are served by another target.
#include <cerrno>
#include <future>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include "abi/config.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/resequencer.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

// Usually below a second. A lost retransmission doubles the time, and the machine may be loaded.
constexpr auto generous = 8s;

sockaddr_in address(const char *ip, std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    ::inet_pton(AF_INET, ip, &at.sin_addr);
    return at;
}

/// A connection from the client to the server's port 9000. The test controls both ends.
struct Connection {
    explicit Connection(const TwoArm &testbed) {
        const auto at = address(TwoArm::server_address, 9000);
        const glb::Fd listener(
            testbed.server.call([] { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }));
        const int on = 1;
        ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr *>(&at), sizeof at) == 0);
        REQUIRE(::listen(listener.get(), 1) == 0);
        client =
            glb::Fd(testbed.client.call([] { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }));
        REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr *>(&at), sizeof at) == 0);
        server = glb::Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(server);
        const timeval timeout{.tv_sec = 20, .tv_usec = 0};
        for (const int fd : {client.get(), server.get()})
            for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
                ::setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof timeout);
    }
    /// So that the client's window stays open, and the server's next segment has data.
    void pace_server() const {
        const std::uint32_t bytes_per_second = 20'000'000;
        REQUIRE(::setsockopt(server.get(), SOL_SOCKET, SO_MAX_PACING_RATE, &bytes_per_second,
                             sizeof bytes_per_second) == 0);
    }
    glb::Fd client, server;
};

/// Runs `function` on one end of a connection in a thread. The destructor shuts the connection down, so that
/// a failed test does not wait for the thread.
template <typename Function>
class Worker {
  public:
    Worker(const Connection &connection, Function function, int fd)
        : connection_(connection), result_(std::async(std::launch::async, function, fd)) {}
    ~Worker() {
        for (const int fd : {connection_.client.get(), connection_.server.get()})
            (void)::shutdown(fd, SHUT_RDWR);
    }
    auto get() { return result_.get(); }

  private:
    const Connection &connection_;
    std::future<std::invoke_result_t<Function, int>> result_; // its destructor joins the thread
};

/// How and when one end of a connection was closed.
struct Closed {
    int error = 0; ///< errno; 0: by FIN
    Clock::time_point at;
};

Closed read_until_closed(int fd) {
    std::vector<char> buffer(1 << 16);
    while (true) {
        const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got <= 0)
            return {got == 0 ? 0 : errno, Clock::now()};
    }
}

Closed write_until_closed(int fd) {
    const std::vector<char> buffer(1 << 16);
    while (::send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL) > 0) {
    }
    return {errno, Clock::now()};
}

/// Writes the state of both targets, as the controller does, at a time that the test chooses.
void write_target_states(const Daemon &glbd, std::uint64_t state) {
    for (const auto &entry : std::filesystem::directory_iterator(glbd.bpffs())) {
        const glb::Fd states(::bpf_obj_get((entry.path() / "maps/glb_target_state").c_str()));
        for (std::uint32_t target = 0; states && target < 2; ++target)
            REQUIRE(bpf_map_update_elem(states.get(), &target, &state, BPF_ANY) == 0);
    }
}
void reset_all_targets(const Daemon &glbd) {
    write_target_states(glbd, GLB_TARGET_RESET);
}
void accept_all_targets(const Daemon &glbd) {
    write_target_states(glbd,
                        GLB_TARGET_ACCEPT_NEW | GLB_TARGET_KEEP_ESTABLISHED | GLB_TARGET_KEEP_EMBRYONIC);
}

double seconds(Clock::duration time) {
    return std::chrono::duration<double>(time).count();
}

bool is_reset(int error) {
    return error == ECONNRESET || error == EPIPE;
}

} // namespace

TEST_CASE("reset: both ends of a running download are reset within a second, and new connections work") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(2));
    Clock::duration worst{};
    std::uint64_t ends = 0, not_reset = 0;
    for (int round = 0; round < 5; ++round) {
        const Connection connection(testbed);
        Worker writer(connection, write_until_closed, connection.server.get());
        Worker reader(connection, read_until_closed, connection.client.get());
        std::this_thread::sleep_for(300ms);
        const auto begin = Clock::now();
        reset_all_targets(glbd);
        const auto server = writer.get(), client = reader.get();
        ends += 2;
        not_reset += !is_reset(server.error) + (client.error != ECONNRESET);
        INFO("round " << round << ": server " << seconds(server.at - begin) << " s, client "
                      << seconds(client.at - begin) << " s");
        CHECK(is_reset(server.error));
        CHECK(client.error == ECONNRESET);
        CHECK(server.at - begin < 1s);
        CHECK(client.at - begin < 1s);
        worst = std::max({worst, server.at - begin, client.at - begin});
        accept_all_targets(glbd);
        REQUIRE(eventually(10s, [&] { return tcp_works(testbed.client, TwoArm::server_address, 7000); }));
    }
    CHECK(glbd.counter("reset") >= 5);
    record_scenario("both ends of a download reset",
                    {ends, not_reset, seconds(worst) * 1000, "ends", "not reset"});
}

TEST_CASE(
    "reset: onTargetFailure applies when a health check fails, and new connections use another target") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["targetGroups"][0]["onTargetFailure"] = {{"unhealthy", "reset"}};
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    const Connection connection(testbed);
    Worker writer(connection, write_until_closed, connection.server.get());
    Worker reader(connection, read_until_closed, connection.client.get());
    std::this_thread::sleep_for(300ms);
    const std::string owner = glbd.flows({"--protocol", "tcp"}).at(0).at("target");
    for (const auto &one : testbed.appliances)
        if (one->id() ==
            owner) // only the health port is closed: data still passes until the policy resets the flow
            one->ns().must(
                {"nft",
                 "table ip closed { chain c { type filter hook input priority 0; tcp dport 80 drop; }; }"});
    REQUIRE(eventually(15s, [&] { return glbd.target(owner).at("state") == "unhealthy"; }));
    const auto begin = Clock::now();
    const auto server = writer.get(), client = reader.get();
    INFO("server " << seconds(server.at - begin) << " s, client " << seconds(client.at - begin) << " s");
    CHECK(is_reset(server.error));
    CHECK(client.error == ECONNRESET);
    CHECK(server.at - begin < generous);
    CHECK(client.at - begin < generous);
    CHECK(eventually(10s, [&] { return tcp_works(testbed.client, TwoArm::server_address, 7000); }));
}

TEST_CASE("reset: idle connection is reset when the next packet comes from the server") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(2));
    const Connection connection(testbed);
    REQUIRE(::send(connection.server.get(), "hello", 5, 0) == 5);
    char greeting[8];
    REQUIRE(::recv(connection.client.get(), greeting, sizeof greeting, 0) == 5);
    Worker reader(connection, read_until_closed, connection.client.get());
    std::this_thread::sleep_for(500ms);
    const auto begin = Clock::now();
    reset_all_targets(glbd);
    REQUIRE(::send(connection.server.get(), "pushed", 6, MSG_NOSIGNAL) == 6);
    const auto client = reader.get(), server = read_until_closed(connection.server.get());
    INFO("client " << seconds(client.at - begin) << " s, server " << seconds(server.at - begin) << " s");
    CHECK(client.error == ECONNRESET);
    CHECK(server.error == ECONNRESET);
    CHECK(client.at - begin < generous);
    CHECK(server.at - begin < generous);
}

TEST_CASE("reset: reader whose acknowledgements were lost at the failed target is reset too") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(2));
    const Connection connection(testbed);
    connection.pace_server();
    Worker writer(connection, write_until_closed, connection.server.get());
    Worker reader(connection, read_until_closed, connection.client.get());
    std::this_thread::sleep_for(300ms);
    for (const auto &one : testbed.appliances)
        one->disconnect();
    std::this_thread::sleep_for(300ms); // some data has been delivered whose ACKs are lost
    reset_all_targets(glbd);
    const auto begin = Clock::now();
    const auto client = reader.get(), server = writer.get();
    INFO("client " << seconds(client.at - begin) << " s, server " << seconds(server.at - begin) << " s");
    CHECK(client.error == ECONNRESET);
    CHECK(is_reset(server.error));
    // The server must retransmit twice, and its retransmission timer doubles.
    CHECK(client.at - begin < generous);
    CHECK(server.at - begin < generous);
}

TEST_CASE("reset: far end is told by its own sequence numbers if the appliance has changed them") {
    need_root();
    const TwoArm testbed({.appliances = 2, .kind = ApplianceKind::reference});
    const TcpServer echo(testbed.server, 7000);
    Daemon glbd(testbed.node);
    glbd.start(testbed.manifest());
    REQUIRE(glbd.wait_healthy(2));
    for (const auto &one : testbed.appliances) // both have their TUN devices once they have received a packet
        REQUIRE(eventually(10s, [&] {
            (void)tcp_works(testbed.client, TwoArm::server_address, 7000);
            try {
                shift_sequence_numbers(*one, 9000, 0x40000000);
                return true;
            } catch (const std::runtime_error &) {
                return false;
            }
        }));
    const Connection connection(testbed);
    REQUIRE(::send(connection.client.get(), "hello", 5, 0) == 5);
    char greeting[8];
    REQUIRE(::recv(connection.server.get(), greeting, sizeof greeting, 0) == 5);
    Worker reader(connection, read_until_closed, connection.server.get());
    std::this_thread::sleep_for(300ms); // the server's delayed acknowledgement
    const auto begin = Clock::now();
    reset_all_targets(glbd);
    REQUIRE(::send(connection.client.get(), "pushed", 6, MSG_NOSIGNAL) == 6);
    const auto server = reader.get(), client = read_until_closed(connection.client.get());
    INFO("server " << seconds(server.at - begin) << " s, client " << seconds(client.at - begin) << " s");
    CHECK(server.error == ECONNRESET);
    CHECK(client.error == ECONNRESET);
    CHECK(server.at - begin < generous);
    CHECK(client.at - begin < generous);
}
