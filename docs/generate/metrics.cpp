#include <fmt/format.h>

#include <regex>
#include <sstream>

#include "controller/observe/metrics_renderer.h"
#include "docs/generate/pages.h"

namespace glb::reference {

namespace {

observe::MetricsSnapshot one_of_each() {
    observe::MetricsSnapshot snapshot;
    snapshot.drops.emplace_back();
    snapshot.counters.emplace_back();
    snapshot.endpoints.emplace_back();
    snapshot.targets.emplace_back();
    snapshot.interfaces.emplace_back();
    return snapshot;
}

/// The label names in a sample `name{a="…",b="…"} 0`.
std::string labels_in(const std::string &sample) {
    static const std::regex label(R"re(([a-z_]+)=")re");
    std::string out;
    for (std::sregex_iterator it(sample.begin(), sample.end(), label), end; it != end; ++it)
        out += fmt::format("{}`{}`", out.empty() ? "" : ", ", (*it)[1].str());
    return out;
}

/// The text after `# KEYWORD name ` in a comment line of the exposition format.
std::string after_name(const std::string &line) {
    return line.substr(line.find(' ', line.find(' ', 2) + 1) + 1);
}

} // namespace

std::string metrics_page() {
    std::string out =
        "# Metrics\n\n"
        "<!-- Generated from controller/observe: build the target \"reference\". -->\n\n"
        "Metric families of `GET /metrics`. The format is the Prometheus text format 0.0.4, or OpenMetrics "
        "1.0.0 if the `Accept` header prefers it. Units are packets, bytes and seconds.\n\n"
        "The bytes of a packet are its IP length, header included, and in the tunnel that of the inner "
        "packet: "
        "neither Ethernet headers, tags and padding nor the 68 bytes of encapsulation. So a packet adds the "
        "same number at every counter that it passes, here, in `glbctl` and in the HTTP API. If the inner "
        "packet of "
        "a returned one cannot be read, it is the length of what the tunnel carries, or of the outer packet; "
        "for a "
        "frame without an IP packet, of what follows its Ethernet header and tags. `redirect_failed` counts "
        "no "
        "bytes.\n\n"
        "| name | type | labels | meaning |\n|---|---|---|---|\n";
    std::istringstream text(observe::render_metrics(one_of_each()));
    std::string help, type, described;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("# HELP ")) {
            help = after_name(line);
        } else if (line.starts_with("# TYPE ")) {
            type = after_name(line);
        } else if (const auto name = line.substr(0, line.find_first_of("{ ")); name != described) {
            described = name;
            out += fmt::format("| `{}` | {} | {} | {} |\n", name, type, labels_in(line), help);
        }
    }
    return out;
}

} // namespace glb::reference
