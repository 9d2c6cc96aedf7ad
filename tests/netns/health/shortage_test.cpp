// A node that lacks what it needs to send health checks: no evidence about the targets, and nothing passes uninspected.
#include <algorithm>
#include <array>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/resource.h>
#include <sys/un.h>

#include "tests/harness/skip.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/sockets.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr auto not_sent = "health-checks-not-sent";

/// A connection to the daemon's API that it has accepted: a daemon without free descriptors accepts no other.
class ApiConnection {
  public:
    explicit ApiConnection(const std::string &socket_path)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
            throw std::runtime_error("cannot connect to " + socket_path);
        (void)get("/v1/status");
    }
    [[nodiscard]] json get(const std::string &path) const {
        const auto request = fmt::format("GET {} HTTP/1.1\r\nHost: glbd\r\n\r\n", path);
        if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
            throw std::runtime_error("the API has closed the connection");
        std::string response;
        for (auto body = json(json::value_t::discarded); body.is_discarded();) {
            std::array<char, 65536> bytes;
            const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
            if (got <= 0)
                throw std::runtime_error(fmt::format("no whole response ({}, {}): {}", got, errno, response));
            response.append(bytes.data(), static_cast<std::size_t>(got));
            const auto head = response.find("\r\n\r\n");
            if (head != std::string::npos)
                body = json::parse(response.substr(head + 4), nullptr, false);
            if (!body.is_discarded())
                return body;
        }
        return nullptr;
    }

  private:
    glb::Fd socket_;
};

/// All local ports of a namespace in use, until the destructor.
class NoLocalPorts {
  public:
    explicit NoLocalPorts(const Namespace &node) {
        node.sysctl("net/ipv4/ip_local_port_range", "40000 40003");
        node.call([this] {
            for (std::uint16_t port = 40000; port <= 40003; ++port)
                holders_.push_back(make_server_socket(SOCK_STREAM, port));
        });
    }

  private:
    std::vector<glb::Fd> holders_;
};

/// Two healthy targets, whose group would be bypassed if both failed, and a stream through them.
struct Fixture {
    TwoArm testbed{{.appliances = 2}};
    UdpEcho echo{testbed.server, 7001};
    Daemon glbd{testbed.node};

    Fixture() {
        auto manifest = testbed.manifest();
        auto &group = manifest["targetGroups"][0];
        group["onAllUnhealthy"] = "bypass";
        group["healthCheck"]["intervalSeconds"] = 0.1;
        group["healthCheck"]["timeoutSeconds"] = 0.1;
        group["healthCheck"]["unhealthyThreshold"] = 2;
        glbd.start(manifest);
        REQUIRE(glbd.wait_healthy(2));
        REQUIRE(eventually(10s, [&] { return ping(testbed.client, TwoArm::server_address, 1); }));
    }

    void limit_descriptors(rlim_t soft) const {
        rlimit limit{};
        REQUIRE(::prlimit(glbd.pid(), RLIMIT_NOFILE, nullptr, &limit) == 0);
        limit.rlim_cur = soft ? soft : limit.rlim_max;
        REQUIRE(::prlimit(glbd.pid(), RLIMIT_NOFILE, &limit, nullptr) == 0);
    }
    void check_targets_are_healthy(const json &targets) const {
        for (const auto &row : targets.at("targets")) {
            INFO(row);
            CHECK(row.at("state") == "healthy");
            CHECK(row.at("localErrors").get<std::uint64_t>() > 10);
            CHECK(row.at("lastError").get<std::string>().starts_with("local error, not evaluated: "));
        }
    }
    /// Afterwards checks are sent again, and the condition ends.
    void check_recovery() const {
        CHECK(eventually(10s, [&] { return ping(testbed.client, TwoArm::server_address, 1); }));
        CHECK(eventually(5s, [&] { return message_of(glbd.must_ctl({"status"})).empty(); }));
        CHECK(glbd.target("fw-1").at("lastError").is_null());
    }
    /// Every packet of the stream that was echoed was inspected.
    void record(const std::string &name, const UdpStream::Tally &tally) const {
        const auto uninspected = glbd.counter("bypassed");
        CHECK(uninspected == 0);
        CHECK(glbd.uninspected() == 0);
        CHECK(glbd.counter("encapsulated") >= 2 * tally.echoed);
        record_scenario(name, {tally.sent, uninspected, {}, "packets", "passed uninspected"});
    }
    [[nodiscard]] static std::string message_of(const json &status) {
        for (const auto &row : status.at("degraded"))
            if (row.at("what") == not_sent && row.at("severity") == "error")
                return row.at("message");
        return "";
    }
};

} // namespace

TEST_CASE("shortage: without descriptors no target fails, nothing passes uninspected, and status says so") {
    need_root();
    const Fixture it;
    const ApiConnection api(it.glbd.socket_path());
    UdpStream stream(it.testbed.client, TwoArm::server_address, 7001, 100);
    it.limit_descriptors(3);
    // The guard lists the rule set, and libnftables opens a socket for the interface's name.
    it.testbed.node.must({"nft", "table inet other { chain c { iif cli0 counter; }; }"});
    std::this_thread::sleep_for(4s);
    const auto message = Fixture::message_of(api.get("/v1/status"));
    CHECK(message.find("Too many open files") != std::string::npos);
    it.check_targets_are_healthy(api.get("/v1/targets"));
    it.limit_descriptors(0);
    it.check_recovery();
    const auto tally = stream.finish();
    INFO(it.glbd.log());
    CHECK(tally.lost() == 0); // the data path needs none
    it.record("no descriptor left for 4 s", tally);
}

TEST_CASE("shortage: without local ports no target fails, nothing passes uninspected, and status says so") {
    need_root();
    const Fixture it;
    UdpStream stream(it.testbed.client, TwoArm::server_address, 7001, 100);
    {
        const NoLocalPorts none(it.testbed.node);
        std::this_thread::sleep_for(4s);
        const auto message = Fixture::message_of(it.glbd.must_ctl({"status"}));
        CHECK(message.find("Cannot assign requested address") != std::string::npos);
        CHECK(it.glbd.ctl({"status", "--check"}).code == 1);
        it.check_targets_are_healthy(it.glbd.must_ctl({"targets"}));
    }
    it.check_recovery();
    const auto tally = stream.finish();
    INFO(it.glbd.log());
    CHECK(tally.lost() == 0);
    it.record("all local ports in use for 4 s", tally);
}

TEST_CASE("shortage: without the tunnel's address no target fails, and nothing passes uninspected") {
    need_root();
    const Fixture it;
    it.testbed.node.must({"ip", "addr", "del", "10.1.0.1/24", "dev", "under0"});
    UdpStream stream(it.testbed.client, TwoArm::server_address, 7001, 100);
    std::this_thread::sleep_for(5s); // longer than a missing next hop takes to fail a target
    const auto message = Fixture::message_of(it.glbd.must_ctl({"status"}));
    CHECK(message.find("10.1.0.1") != std::string::npos);
    it.check_targets_are_healthy(it.glbd.must_ctl({"targets"}));
    const auto tally = stream.finish();
    it.record("no tunnel address for 5 s", tally);
    it.testbed.node.address("under0", "10.1.0.1/24");
    it.check_recovery();
}
