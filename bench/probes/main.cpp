// glb-bench-probes: the CPU time of active health checks, in percent of a core. The subjects alternate in rounds, so
// that a slower machine affects all of them; the minimum over the rounds is reported.
#include <utility>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "bench/probes/bare_loop.h"
#include "bench/probes/servers.h"
#include "controller/health/probes/prober.h"

using namespace glb;
using namespace glb::bench;
using namespace glb::health;

namespace {

struct Figures {
    double core_percent = 1e9; ///< user and system time of this process
    std::uint64_t done = 0, failed = 0;
};

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval &time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Figures run_prober(ProbeKind kind, std::uint16_t port, unsigned per_second, std::chrono::seconds time) {
    constexpr std::chrono::milliseconds interval{500};
    boost::asio::io_context loop;
    Figures figures;
    Prober prober(loop, [&](const std::string &, const ProbeResult &result) {
        ++figures.done;
        figures.failed += result.outcome != ProbeOutcome::ok;
    });
    std::vector<ProbeTarget> targets;
    for (unsigned i = 0; i < per_second * interval.count() / 1000; ++i) {
        ProbeTarget target;
        target.key = fmt::format("g/{}", i);
        target.address = *IpAddress::parse("127.0.0.1");
        target.settings.protocol = kind;
        target.settings.port = port;
        target.settings.interval = interval;
        target.settings.timeout = interval;
        targets.push_back(target);
    }
    prober.set_targets(targets);
    loop.run_for(std::chrono::seconds(1)); // all probes have started, TLS sessions are cached
    figures.done = figures.failed = 0;
    const auto before = cpu_seconds();
    loop.run_for(time);
    figures.core_percent = (cpu_seconds() - before) / static_cast<double>(time.count()) * 100;
    return figures;
}

Figures run_bare(std::uint16_t port, unsigned per_second, std::chrono::seconds time) {
    Figures figures;
    const auto before = cpu_seconds();
    figures.done = connect_only(port, per_second, time);
    figures.core_percent = (cpu_seconds() - before) / static_cast<double>(time.count()) * 100;
    return figures;
}

void update_minimum(Figures &best, const Figures &now) {
    if (now.core_percent < best.core_percent)
        best = now;
}

} // namespace

int main(int argc, char **argv) {
    CLI::App app(
        "Measures the CPU time of active health checks, compared with an epoll loop that only connects.");
    unsigned per_second = 1000, rounds = 3;
    long seconds = 3;
    app.add_option("--per-second", per_second, "probes a second")->check(CLI::Range(2, 10000));
    app.add_option("--rounds", rounds, "of all subjects")->check(CLI::Range(1, 100));
    app.add_option("--seconds", seconds, "of each subject in a round")->check(CLI::Range(1, 60));
    CLI11_PARSE(app, argc, argv);

    const ServerProcess tcp(ServerProtocol::tcp), http(ServerProtocol::http), https(ServerProtocol::https);
    const std::chrono::seconds time(seconds);
    Figures bare, by_tcp, by_http, by_https;
    for (unsigned round = 0; round < rounds; ++round) {
        update_minimum(bare, run_bare(tcp.port(), per_second, time));
        update_minimum(by_tcp, run_prober(ProbeKind::tcp, tcp.port(), per_second, time));
        update_minimum(by_http, run_prober(ProbeKind::http, http.port(), per_second, time));
        update_minimum(by_https, run_prober(ProbeKind::https, https.port(), per_second, time));
    }
    fmt::print("{:<18}{:>10}{:>10}{:>10}{:>12}\n", "subject", "probes/s", "failed", "% of core",
               "x the loop");
    const auto print_row = [&](const char *name, const Figures &figures) {
        fmt::print("{:<18}{:>10}{:>10}{:>10.2f}{:>12.2f}\n", name,
                   figures.done / static_cast<std::uint64_t>(seconds), figures.failed, figures.core_percent,
                   figures.core_percent / bare.core_percent);
    };
    print_row("bare epoll loop", bare);
    print_row("TCP", by_tcp);
    print_row("HTTP", by_http);
    print_row("HTTPS, resumed", by_https);
}
