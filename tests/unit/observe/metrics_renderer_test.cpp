#include <catch2/catch.hpp>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "controller/observe/metrics_renderer.h"

using namespace glb;
using namespace glb::observe;

namespace {

MetricsSnapshot full() {
    MetricsSnapshot now;
    now.version = "0.1.0";
    now.node = "glb-a";
    now.ready = true;
    now.epoch = 3;
    now.uptime_seconds = 12.5;
    now.netlink_overruns = 5;
    now.drops = {{"unknown_sender", 7, 700}, {"too_big", 0, 0}};
    now.counters = {{"encapsulated", 123456789012, 5}};
    now.endpoints = {{"branch", 1, 2, 3, 4, true}};
    now.targets = {{"firewalls", "fw-1", "healthy", 2, 21846, 271, 1200, 10, 9, 1000, 900}};
    now.interfaces = {{"cli0", "native", true}};
    now.flows_active = 812;
    now.flows_unconfirmed = 4;
    now.flows_capacity = 1048576;
    now.guard_installed = true;
    now.guard_restored = 3;
    now.guard_uninspected_packets = 2;
    now.guard_uninspected_bytes = 120;
    return now;
}

std::vector<std::string> lines_of(const std::string &text) {
    std::istringstream in(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

} // namespace

TEST_CASE("metrics: every value of the snapshot is rendered with its labels") {
    const auto lines = lines_of(render_metrics(full()));
    for (const std::string wanted : {
             "glb_build_info{version=\"0.1.0\",node=\"glb-a\"} 1",
             "glb_ready 1",
             "glb_epoch 3",
             "glb_netlink_overruns_total 5",
             "glb_uptime_seconds 12.5",
             "glb_interface_attached{interface=\"cli0\",mode=\"native\"} 1",
             "glb_dropped_packets_total{reason=\"unknown_sender\"} 7",
             "glb_dropped_bytes_total{reason=\"unknown_sender\"} 700",
             "glb_dropped_packets_total{reason=\"too_big\"} 0",
             "glb_datapath_packets_total{counter=\"encapsulated\"} 123456789012",
             "glb_endpoint_received_packets_total{endpoint=\"branch\"} 1",
             "glb_endpoint_received_bytes_total{endpoint=\"branch\"} 2",
             "glb_endpoint_forwarded_packets_total{endpoint=\"branch\"} 3",
             "glb_endpoint_forwarded_bytes_total{endpoint=\"branch\"} 4",
             "glb_endpoint_bypassed{endpoint=\"branch\"} 1",
             "glb_target_state{target_group=\"firewalls\",target=\"fw-1\",state=\"healthy\"} 1",
             "glb_target_state{target_group=\"firewalls\",target=\"fw-1\",state=\"unhealthy\"} 0",
             "glb_target_weight{target_group=\"firewalls\",target=\"fw-1\"} 2",
             "glb_target_slots{target_group=\"firewalls\",target=\"fw-1\"} 21846",
             "glb_target_flows{target_group=\"firewalls\",target=\"fw-1\"} 271",
             "glb_target_new_flows_total{target_group=\"firewalls\",target=\"fw-1\"} 1200",
             "glb_target_sent_packets_total{target_group=\"firewalls\",target=\"fw-1\"} 10",
             "glb_target_returned_packets_total{target_group=\"firewalls\",target=\"fw-1\"} 9",
             "glb_target_sent_bytes_total{target_group=\"firewalls\",target=\"fw-1\"} 1000",
             "glb_target_returned_bytes_total{target_group=\"firewalls\",target=\"fw-1\"} 900",
             "glb_flows 812",
             "glb_flows_unconfirmed 4",
             "glb_flow_table_entries 1048576",
             "glb_guard_installed 1",
             "glb_guard_restored_total 3",
             "glb_guard_uninspected_packets_total 2",
             "glb_guard_uninspected_bytes_total 120",
         }) {
        INFO(wanted);
        CHECK(std::count(lines.begin(), lines.end(), wanted) == 1);
    }
}

TEST_CASE("metrics: the output follows the text format and the naming rules") {
    const std::regex sample(R"(^(glb_[a-z0-9_]+)(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+]+$)");
    const std::regex type(R"(^# TYPE (glb_[a-z0-9_]+) (counter|gauge)$)");
    std::set<std::string> described;
    std::string current;
    for (const auto &line : lines_of(render_metrics(full()))) {
        INFO(line);
        std::smatch match;
        if (line.rfind("# HELP ", 0) == 0)
            continue;
        if (std::regex_match(line, match, type)) {
            current = match[1];
            CHECK(described.insert(current).second); // each family once
            const bool total = current.size() > 6 && current.substr(current.size() - 6) == "_total";
            CHECK((match[2] == "counter") == total);
            continue;
        }
        REQUIRE(std::regex_match(line, match, sample));
        CHECK(match[1] == current);
    }
    CHECK(described.size() > 25);
}

TEST_CASE("metrics: label values are escaped") {
    auto now = full();
    now.node = "a\"b\\c\nd";
    CHECK(render_metrics(now).find(R"(node="a\"b\\c\nd")") != std::string::npos);
}

TEST_CASE("metrics: an idle node is rendered") {
    const auto text = render_metrics({});
    CHECK(text.find("glb_ready 0\n") != std::string::npos);
    CHECK(text.find("glb_guard_installed 0\n") != std::string::npos);
}

TEST_CASE("metrics: OpenMetrics has _total in counter samples only, and ends with # EOF") {
    const auto lines = lines_of(render_metrics(full(), MetricsFormat::openmetrics));
    REQUIRE_FALSE(lines.empty());
    CHECK(lines.back() == "# EOF");
    CHECK(std::count(lines.begin(), lines.end(), "# EOF") == 1);
    std::string family, type;
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        INFO(lines[i]);
        if (lines[i].starts_with("# HELP ")) {
            CHECK(lines[i + 1].starts_with("# TYPE " + lines[i].substr(7, lines[i].find(' ', 7) - 7) + ' '));
        } else if (lines[i].starts_with("# TYPE ")) {
            const auto space = lines[i].find(' ', 7);
            family = lines[i].substr(7, space - 7);
            type = lines[i].substr(space + 1);
            CHECK_FALSE(family.ends_with("_total"));
        } else {
            const auto name = lines[i].substr(0, lines[i].find_first_of("{ "));
            CHECK(name == family + (type == "counter" ? "_total" : ""));
        }
    }
    CHECK(std::find(lines.begin(), lines.end(), "glb_dropped_packets_total{reason=\"unknown_sender\"} 7") !=
          lines.end());
}

TEST_CASE("metrics: the Accept header selects the format") {
    using enum MetricsFormat;
    CHECK(accepted_format("") == text);
    CHECK(accepted_format("*/*") == text);
    CHECK(accepted_format("text/plain") == text);
    CHECK(accepted_format("application/openmetrics-text; version=1.0.0") == openmetrics);
    CHECK(accepted_format("application/OpenMetrics-Text;version=\"1.0.0\"") == openmetrics);
    CHECK(accepted_format("application/openmetrics-text;version=0.0.1") == text);
    CHECK(accepted_format("application/openmetrics-text;version=1.0.0;q=0") == text);
    CHECK(accepted_format("application/openmetrics-text;q=0.3, text/plain;version=0.0.4;q=0.5") == text);
    // The headers of Prometheus 2 and 3.
    CHECK(accepted_format(
              "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;"
              "q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2") == openmetrics);
    CHECK(
        accepted_format(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;"
            "escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1") == openmetrics);
    CHECK(accepted_format(",;,q=;version=") == text);
}
