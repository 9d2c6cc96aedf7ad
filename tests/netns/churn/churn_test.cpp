// Manifests applied as fast as apply returns, each different, under a TCP download and a stream of UDP: no
// packet is lost, nothing leaks. GLB_CHURN_SECONDS sets how long (10).
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>

#include "controller/api/http/http.h"
#include "tests/harness/skip.h"
#include "tests/netns/churn/kernel_objects.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/drill.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

/// The `round`-th manifest: targets come and go, weights, stickiness, timeouts, names of endpoints and the
/// node's address change, each with a period of its own, so that no two in a row are equal.
json variant(const json &base, unsigned round) {
    auto manifest = base;
    auto &group = manifest["targetGroups"][0];
    for (std::size_t i = 0; i < group["targets"].size(); ++i)
        group["targets"][i]["weight"] = 1 + (round + i) % 5;
    if (round % 3 == 1)
        group["targets"].erase(group["targets"].size() - 1);
    const char *stickiness[] = {"5-tuple", "3-tuple", "2-tuple"};
    group["stickiness"] = stickiness[round % 3];
    group["idleTimeout"] = {{"tcpSeconds", 100 + round % 200}};
    group["healthCheck"]["path"] = round % 2 ? "/" : "/healthz"; // both are answered
    manifest["node"]["ownAddresses"] = {"203.0.113." + std::to_string(round % 250) + "/32"};
    manifest["node"]["tunnel"]["address"] = round / 7 % 2 ? "10.1.0.2" : TwoArm::node_address;
    manifest["endpoints"][0]["attachmentId"] = round % 1000;
    return manifest;
}

struct Pace {
    std::vector<double> milliseconds;
    unsigned refused = 0;
    std::string first_refusal;
    std::uint64_t epochs_missed = 0;

    [[nodiscard]] double at(double share) const {
        auto sorted = milliseconds;
        std::sort(sorted.begin(), sorted.end());
        return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
    }
};

/// Applies variants for `time`; each must raise the epoch by one.
Pace churn(const Daemon &glbd, const json &base, std::chrono::seconds time, unsigned first) {
    Pace pace;
    std::uint64_t epoch = glbd.must_ctl({"status"}).at("epoch");
    const auto end = Clock::now() + time;
    for (unsigned round = first; Clock::now() < end; ++round) {
        const auto body = variant(base, round).dump();
        const auto begin = Clock::now();
        const auto answer = glb::http_request(glbd.folder() / "run/glbd.sock", "POST", "/v1/manifest", body);
        pace.milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
        if (!answer || answer->status != 200) {
            pace.first_refusal = pace.refused++ ? pace.first_refusal
                                 : answer       ? answer->body
                                                : answer.error().message;
            continue;
        }
        const std::uint64_t now = json::parse(answer->body).at("epoch");
        pace.epochs_missed += now != epoch + 1;
        epoch = now;
    }
    return pace;
}

/// By how much the loop of health was late at most since this was asked last, in milliseconds.
double lag(const Namespace &node) {
    const std::string name = "\nglb_loop_lag_seconds ";
    const auto text = node.must({"curl", "-sS", "http://127.0.0.1:9468/metrics"});
    const auto at = text.find(name);
    return at == text.npos ? -1 : 1000 * std::stod(text.substr(at + name.size()));
}

std::chrono::seconds churn_time() {
    const char *text = std::getenv("GLB_CHURN_SECONDS");
    return std::chrono::seconds(text ? std::atoi(text) : 10);
}

} // namespace

TEST_CASE("churn: changes as fast as apply returns lose no packet and leak nothing") {
    need_root();
    // The hairpin kind answers to one address of the node for ever.
    const TwoArm world({.appliances = 3, .kind = ApplianceKind::reference});
    world.node.address("under0", "10.1.0.2/24");
    const Nginx nginx(world.server, {"80"}, 100'000'000);
    const UdpEcho udp(world.server, 7001);
    Daemon glbd(world.node);
    auto base = world.manifest();
    base["targetGroups"][0]["deregistrationDelaySeconds"] = 2;
    base["targetGroups"][0]["onTargetFailure"] = {{"deregistered", "rehash"}};
    glbd.start(base);
    REQUIRE(glbd.wait_healthy(3));
    (void)churn(glbd, base, 5s, 0); // pools have their size, lists their length
    const pid_t pid = glbd.pid();
    const auto before = holdings_of(pid);
    (void)lag(world.node);

    Process download =
        world.client.start({"curl", "-sS", "--limit-rate", "5M", "--max-time", "300", "-o",
                            (glbd.folder() / "download").string(), "http://198.51.100.20/file"});
    const LongBacklog backlog;
    UdpStream stream(world.client, TwoArm::server_address, 7001, 1000);
    const auto pace = churn(glbd, base, churn_time(), 1000);
    const auto late = lag(world.node);
    const auto tally = stream.finish();
    const auto rate =
        static_cast<double>(pace.milliseconds.size()) / static_cast<double>(churn_time().count());
    std::printf("churn: %zu changes, %.1f/s; apply: median %.1f ms, 99%% %.1f ms, most %.1f ms; %llu "
                "datagrams, %llu lost\n",
                pace.milliseconds.size(), rate, pace.at(0.5), pace.at(0.99), pace.at(1),
                static_cast<unsigned long long>(tally.sent), static_cast<unsigned long long>(tally.lost()));
    std::printf("churn: the loop of health was late by %.1f ms at most\n", late);
    INFO(glbd.log());
    tell_drill(std::to_string(static_cast<unsigned>(rate)) + " changes a second", {tally.sent, tally.lost()});
    const auto drops = glbd.must_ctl({"drops"});
    for (const auto &row : drops.at("drops"))
        if (row.at("packets") > 0)
            std::printf("churn: dropped %s\n", row.dump().c_str());
    CHECK(late >= 0); // the metric is there; how much it is depends on the machine
    CHECK(pace.refused == 0);
    CHECK(pace.first_refusal == "");
    CHECK(pace.epochs_missed == 0);
    CHECK(rate >= (drill_in_full() ? 20 : 10)); // three times as many where nothing else runs
    CHECK(tally.lost() == 0);
    CHECK(glbd.uninspected() == 0);
    REQUIRE(download.wait(120s));
    CHECK(download.code() == 0);
    CHECK(world.client.must({"sha256sum", (glbd.folder() / "download").string()}).substr(0, 64) ==
          nginx.sha256());

    Holdings after;
    const bool same = eventually(10s, [&] {
        after = holdings_of(pid);
        // A place for a table may come into use for the first time; a leak would show with each change.
        return after.descriptors <= before.descriptors + 4 && after.bpf_maps <= before.bpf_maps + 4 &&
               after.bpf_others <= before.bpf_others && after.threads <= before.threads;
    });
    INFO("before: " << to_string(before) << "; after: " << to_string(after));
    CHECK(same);
#ifndef __SANITIZE_ADDRESS__ // which keeps what was freed for a while, on purpose
    CHECK(after.resident_kib <= before.resident_kib + 4096);
#endif
}
