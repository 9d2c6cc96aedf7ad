// Different manifests applied back to back during a TCP download and a UDP stream: no packet is lost and no
// resource leaks. GLB_CHURN_SECONDS sets the duration (default 10).
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>

#include "lib/http/http.h"
#include "tests/harness/skip.h"
#include "tests/netns/churn/kernel_objects.h"
#include "tests/netns/testbed/backlog.h"
#include "tests/netns/testbed/scenario.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

/// The `round`-th manifest. Targets, weights, stickiness, timeouts, paths and the node's addresses change
/// with different periods, so that consecutive manifests differ.
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
    group["healthCheck"]["path"] = round % 2 ? "/" : "/healthz"; // the appliance serves both
    manifest["node"]["ownAddresses"] = {"203.0.113." + std::to_string(round % 250) + "/32"};
    manifest["node"]["tunnel"]["address"] = round / 7 % 2 ? "10.1.0.2" : TwoArm::node_address;
    manifest["endpoints"][0]["attachmentId"] = round % 1000;
    return manifest;
}

struct ApplyStats {
    std::vector<double> milliseconds; ///< of each apply
    unsigned refused = 0;
    std::string first_refusal;
    std::uint64_t epochs_missed = 0;

    [[nodiscard]] double quantile(double share) const {
        auto sorted = milliseconds;
        std::sort(sorted.begin(), sorted.end());
        return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
    }
};

/// Applies variants for `time`, each of which must raise the epoch by one.
ApplyStats churn(const Daemon &glbd, const json &base, std::chrono::seconds time, unsigned first) {
    ApplyStats stats;
    std::uint64_t epoch = glbd.must_ctl({"status"}).at("epoch");
    const auto end = Clock::now() + time;
    for (unsigned round = first; Clock::now() < end; ++round) {
        const auto body = variant(base, round).dump();
        const auto begin = Clock::now();
        const auto answer = glb::http_request(glbd.folder() / "run/glbd.sock", "POST", "/v1/manifest", body);
        stats.milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
        if (!answer || answer->status != 200) {
            if (stats.refused++ == 0)
                stats.first_refusal = answer ? answer->body : answer.error().message;
            continue;
        }
        const std::uint64_t now = json::parse(answer->body).at("epoch");
        stats.epochs_missed += now != epoch + 1;
        epoch = now;
    }
    return stats;
}

/// Maximum delay of the health loop since the last call, in milliseconds. -1 if the metric is missing.
double max_loop_lag(const Namespace &node) {
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

TEST_CASE("churn: manifests applied back to back lose no packet and leak no resource") {
    need_root();
    // The manifests change the node's address, which the hairpin kind does not support.
    const TwoArm testbed({.appliances = 3, .kind = ApplianceKind::reference});
    testbed.node.address("under0", "10.1.0.2/24");
    const Nginx nginx(testbed.server, {"80"}, 100'000'000);
    const UdpEcho udp(testbed.server, 7001);
    Daemon glbd(testbed.node);
    auto base = testbed.manifest();
    base["targetGroups"][0]["deregistrationDelaySeconds"] = 2;
    base["targetGroups"][0]["onTargetFailure"] = {{"deregistered", "rehash"}};
    glbd.start(base);
    REQUIRE(glbd.wait_healthy(3));
    (void)churn(glbd, base, 5s, 0); // warm-up: pools and lists reach their final size
    const pid_t pid = glbd.pid();
    const auto before = resources_of(pid);
    (void)max_loop_lag(testbed.node); // resets it

    // The window is shorter than the queue of a veth (256 frames), so that no burst of the download fills it.
    testbed.client.sysctl("net/ipv4/tcp_rmem", "4096 65536 131072");
    Process download =
        testbed.client.start({"curl", "-sS", "--limit-rate", "5M", "--max-time", "300", "-o",
                              (glbd.folder() / "download").string(), "http://198.51.100.20/file"});
    const LongBacklog backlog;
    UdpStream stream(testbed.client, TwoArm::server_address, 7001, 1000);
    const auto stats = churn(glbd, base, churn_time(), 1000);
    const auto loop_lag = max_loop_lag(testbed.node);
    const auto tally = stream.finish();
    const auto rate =
        static_cast<double>(stats.milliseconds.size()) / static_cast<double>(churn_time().count());
    std::printf("churn: %zu changes, %.1f/s; apply: median %.1f ms, 99%% %.1f ms, maximum %.1f ms; %llu "
                "datagrams, %llu lost\n",
                stats.milliseconds.size(), rate, stats.quantile(0.5), stats.quantile(0.99), stats.quantile(1),
                static_cast<unsigned long long>(tally.sent), static_cast<unsigned long long>(tally.lost()));
    std::printf("churn: health loop delayed by at most %.1f ms\n", loop_lag);
    INFO(glbd.log());
    // Rounded down to tens, so that several runs have one name.
    record_scenario("at least " + std::to_string(static_cast<unsigned>(rate) / 10 * 10) + " changes a second",
                    {tally.sent, tally.lost()});
    const auto drops = glbd.must_ctl({"drops"});
    for (const auto &row : drops.at("drops"))
        if (row.at("packets") > 0)
            std::printf("churn: dropped %s\n", row.dump().c_str());
    CHECK(loop_lag >= 0); // the metric exists; its value depends on the machine
    CHECK(stats.refused == 0);
    CHECK(stats.first_refusal == "");
    CHECK(stats.epochs_missed == 0);
    CHECK(rate >= (full_scale() ? 20 : 10)); // an idle machine reaches three times as many
    CHECK(tally.lost() == 0);
    CHECK(glbd.uninspected() == 0);
    REQUIRE(download.wait(120s));
    CHECK(download.code() == 0);
    CHECK(testbed.client.must({"sha256sum", (glbd.folder() / "download").string()}).substr(0, 64) ==
          nginx.sha256());

    Resources after;
    const bool same = eventually(10s, [&] {
        after = resources_of(pid);
        // A table slot may be used for the first time; a leak would grow with every change.
        return after.descriptors <= before.descriptors + 4 && after.bpf_maps <= before.bpf_maps + 4 &&
               after.bpf_others <= before.bpf_others && after.threads <= before.threads;
    });
    INFO("before: " << to_string(before) << "; after: " << to_string(after));
    CHECK(same);
#ifndef __SANITIZE_ADDRESS__ // ASan delays the reuse of freed memory
    CHECK(after.resident_kib <= before.resident_kib + 4096);
#endif
}
