// Evidence from an outage of all targets: it ejects none of them once they return traffic.
#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <poll.h>

#include "tests/harness/skip.h"
#include "tests/netns/health/unresponsive.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/sockets.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// TCP connections to an echo server, each of which sends a byte every 20 ms whether or not one returns.
class SteadyConnections {
  public:
    SteadyConnections(const TwoArm &testbed, std::size_t count) {
        const SocketAddress server(TwoArm::server_address, echo_port);
        testbed.client.call([&] {
            for (std::size_t i = 0; i < count; ++i) {
                auto socket = make_socket(server.family(), SOCK_STREAM);
                (void)::connect(socket.get(), server.raw(), server.length); // in progress
                connections_.push_back({std::move(socket), false});
            }
        });
        for (const auto &connection : connections_)
            if (!wait_for(connection.socket, POLLOUT, 10s))
                throw std::runtime_error("a connection was not established");
        thread_ = std::thread([this] { run(); });
    }
    ~SteadyConnections() {
        stop_ = true;
        thread_.join();
    }
    SteadyConnections(const SteadyConnections &) = delete;
    SteadyConnections &operator=(const SteadyConnections &) = delete;

    [[nodiscard]] std::size_t size() const { return connections_.size(); }
    [[nodiscard]] std::size_t reset() const { return reset_; }
    /// Waits until each connection that was not reset has received something from now on.
    [[nodiscard]] bool wait_served(std::chrono::milliseconds time) {
        const std::size_t round = round_ + 1; // the current round may be over for some of them
        return eventually(time, [&] { return served_since(round) + reset_ == size(); });
    }

  private:
    struct Connection {
        glb::Fd socket;
        bool is_reset = false;
        std::atomic<std::size_t> last_received{0}; ///< the round
        Connection(glb::Fd fd, bool reset) : socket(std::move(fd)), is_reset(reset) {}
        Connection(Connection &&other) noexcept : Connection(std::move(other.socket), other.is_reset) {}
    };
    void run() {
        for (; !stop_; ++round_) {
            for (auto &connection : connections_)
                exchange(connection);
            std::this_thread::sleep_for(20ms);
        }
    }
    void exchange(Connection &connection) {
        if (connection.is_reset)
            return;
        std::array<char, 4096> bytes;
        const bool is_sent = ::send(connection.socket.get(), "x", 1, MSG_NOSIGNAL) == 1 || errno == EAGAIN;
        const auto received = ::recv(connection.socket.get(), bytes.data(), bytes.size(), 0);
        if (received > 0)
            connection.last_received = round_.load();
        if (is_sent && (received > 0 || (received < 0 && errno == EAGAIN)))
            return;
        connection.is_reset = true;
        ++reset_;
    }
    [[nodiscard]] std::size_t served_since(std::size_t round) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(connections_, [&](const auto &one) { return one.last_received >= round; }));
    }

    std::vector<Connection> connections_;
    std::atomic<std::size_t> round_{1}, reset_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

/// What appliances send by the tunnel is lost between them and the node: for all of them from one moment on, and until
/// one. Of two that fail one after the other the first is ejected rightly.
class Outage {
  public:
    explicit Outage(const TwoArm &testbed) : fabric_(testbed.fabric) {
        std::string sources;
        for (const auto &one : testbed.appliances)
            sources += (sources.empty() ? "" : ", ") + one->address();
        fabric_.must(
            {"nft",
             "add table bridge outage; add chain bridge outage c { type filter hook forward priority 0; "
             "}; add rule bridge outage c ip saddr { " +
                 sources + " } udp dport 6081 drop"});
    }
    ~Outage() { (void)fabric_.run({"nft", "delete table bridge outage"}); }
    Outage(const Outage &) = delete;
    Outage &operator=(const Outage &) = delete;

  private:
    const Namespace &fabric_;
};

} // namespace

TEST_CASE(
    "stale evidence: after an outage of both targets under reset, none that answers is ejected and no flow "
    "reset") {
    need_root();
    const TwoArm testbed({.appliances = 2});
    const TcpServer echo(testbed.server, echo_port);
    Daemon glbd(testbed.node);
    auto manifest = passive_manifest(testbed); // maxEjectedPercent is 50: one of the two is spared
    manifest["targetGroups"][0]["onTargetFailure"] = {{"unhealthy", "reset"}};
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(2));
    SteadyConnections connections(testbed, 200);
    REQUIRE(connections.wait_served(10s));
    std::uint64_t exposed = 0;
    for (const auto outage : {800ms, 1200ms, 1600ms}) {
        CAPTURE(outage.count());
        REQUIRE(eventually(5s, [&] { return glbd.counter("in_band") >= 2; }));
        exposed += connections.size() - connections.reset();
        std::size_t ejected = 0;
        {
            const Outage both(testbed);
            std::this_thread::sleep_for(outage);
            ejected = ejections(glbd);
        }
        const bool is_served = connections.wait_served(10s);
        INFO(glbd.log());
        CHECK(is_served);
        CHECK(ejections(glbd) == ejected); // one of them during the outage
        CHECK(connections.reset() == 0);
        REQUIRE(glbd.wait_healthy(2, 10s));
    }
    CHECK(glbd.log().find("not ejected") != std::string::npos); // otherwise none was spared
    CHECK(glbd.counter("reset") == 0);
    record_scenario("both targets return nothing for 0.8 to 1.6 s",
                    {exposed, connections.reset(), {}, "flows", "reset"});
}
