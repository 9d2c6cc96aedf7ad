// A prober on a loop of its own, and targets on loopback.
#pragma once

#include "tests/unit/health/scripted_server.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "controller/health/probes/prober.h"

namespace glb::test {

using namespace std::chrono_literals;
using health::ProbeKind;
using health::Prober;
using health::ProbeResult;
using health::ProbeTarget;

// A loop, a prober on it, and its results.
struct ProberFixture {
    asio::io_context loop;
    std::map<std::string, std::vector<ProbeResult>> results;
    Prober prober{loop, [this](const std::string &key, const ProbeResult &r) { results[key].push_back(r); }};

    // Runs the loop until `done`, at most 10 s.
    template <typename Condition>
    bool run_until(Condition done) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!done() && std::chrono::steady_clock::now() < limit)
            loop.run_one_for(50ms);
        return done();
    }
    ProbeResult first_result(const ProbeTarget &target) {
        prober.set_targets({target});
        REQUIRE(run_until([&] { return !results[target.key].empty(); }));
        return results[target.key].front();
    }
};

inline ProbeTarget target_at(std::uint16_t port, ProbeKind protocol = ProbeKind::http) {
    ProbeTarget target;
    target.key = "fw-1";
    target.address = *IpAddress::parse("127.0.0.1");
    target.settings.protocol = protocol;
    target.settings.port = port;
    target.settings.interval = 20ms; // also limits the random start delay
    target.settings.timeout = 5s;
    return target;
}

inline ScriptedServer::Behaviour respond_with(std::string text) {
    return [text](tcp::socket &peer) -> Awaitable {
        co_await read_request(peer);
        co_await send(peer, text);
    };
}

// A closed port of 127.0.0.1. It remains bound, so that concurrent tests cannot listen on it.
inline std::uint16_t closed_port() {
    static asio::io_context loop;
    static const tcp::socket bound(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    return bound.local_endpoint().port();
}

} // namespace glb::test
