// glb-bench: the cost of a packet. Timings never make it fail; a row that measured the wrong path does.
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/report.h"

namespace {

using namespace glb;
using namespace glb::bench;

struct Options {
    Settings settings;
    std::string only;
    bool quick = false;
    bool json = false;
};

Status run(const Options &options) {
    GLB_ASSIGN(const auto wires, enter_own_namespace());
    GLB_ASSIGN(auto generator, Generator::load());
    std::vector<Row> rows;
    if (!options.json)
        fmt::print("{}", table_head());
    for (const auto &spec : quick_rows()) {
        if (spec.name.find(options.only) == std::string::npos)
            continue;
        GLB_ASSIGN(auto row, spec.measure(generator, wires, options.settings));
        if (!options.json)
            fmt::print("{}", table_line(row));
        std::fflush(stdout);
        rows.push_back(std::move(row));
    }
    std::vector<ShapeRow> shapes;
    std::vector<LossRow> losses;
    if (!options.quick && options.only.empty()) {
        GLB_ASSIGN(shapes, measure_shapes(generator, wires, options.settings, 1u << 21, {0.5, 0.9}));
        losses = simulate_loss(1u << 20, {0.5, 0.7, 0.9});
    }
    if (options.json) {
        fmt::print("{}\n", to_json(rows, options.settings, shapes, losses).dump(2));
        return {};
    }
    fmt::print("{}", counter_lines(rows));
    if (!shapes.empty())
        fmt::print("{}", shape_table(shapes, losses));
    return {};
}

} // namespace

int main(int argc, char **argv) {
    Options options;
    CLI::App app("Measures the cost of a packet in the data path with BPF_PROG_TEST_RUN. Needs root.",
                 "glb-bench");
    app.add_flag("--quick", options.quick,
                 "Only the seven rows, without the comparison of flow table shapes");
    app.add_flag("--json", options.json, "Print one JSON document instead of a table");
    app.add_option("--row", options.only, "Measure only rows whose name contains this");
    app.add_option("--rounds", options.settings.rounds, "Rounds per row")
        ->capture_default_str()
        ->check(CLI::Range(3, 1001));
    app.add_option("--packets", options.settings.packets, "Packets per sample")
        ->capture_default_str()
        ->check(CLI::Range(1000, 10000000));
    app.add_option("--attempts", options.settings.attempts,
                   "Attempts per row while its A/A difference is too high")
        ->capture_default_str()
        ->check(CLI::Range(1, 100));
    CLI11_PARSE(app, argc, argv);
    try {
        if (const auto done = run(options); !done) {
            fmt::print(stderr, "glb-bench: {}\n", done.error().message);
            return 1;
        }
    } catch (const std::exception &error) {
        fmt::print(stderr, "glb-bench: {}\n", error.what());
        return 1;
    }
    return 0;
}
