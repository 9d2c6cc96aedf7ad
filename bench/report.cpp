#include "bench/report.h"

#include <algorithm>
#include <sys/utsname.h>

#include <fmt/format.h>

namespace glb::bench {

namespace {

constexpr const char *line_format = "{:<24} {:>9} {:>9} {:>8} {:>8} {:>10} {:>11} {:>10} {:>7} {:>6}\n";
constexpr const char *shape_format = "{:<32} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6}\n";
constexpr const char *loss_format = "{:<14} {:>7} {:>10} {:>12} {:>13}\n";

double share(std::uint64_t part, std::uint64_t whole) {
    return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

nlohmann::ordered_json figures_json(const Figures &figures) {
    return {{"p10", figures.p10},        {"median", figures.median},      {"ratio", figures.ratio},
            {"noise", figures.noise},    {"settled", figures.settled},    {"attempts", figures.attempts},
            {"anchor", figures.anchor},  {"memoryFloor", figures.memory}, {"base", figures.base},
            {"packets", figures.packets}};
}

std::string percent(double value) {
    return fmt::format("{:.1f} %", value * 100);
}

} // namespace

std::string table_head() {
    return fmt::format(
               "ns per packet, net of the generator's cost; x anchor: relative to the encap floor of the "
               "same rounds\n\n") +
           fmt::format(line_format, "row", "p10", "median", "x anchor", "A/A", "mem floor", "table",
                       "occupied", "home", "");
}

std::string table_line(const Row &row) {
    const auto &figures = row.figures;
    const bool table = row.table.entries != 0;
    return fmt::format(
        line_format, row.name, fmt::format("{:.1f}", figures.p10), fmt::format("{:.1f}", figures.median),
        fmt::format("{:.2f}", figures.ratio), percent(figures.noise), fmt::format("{:.1f}", figures.memory),
        table ? fmt::format("{}", row.table.entries) : "-",
        table ? percent(share(row.table.live, row.table.entries)) : "-",
        table ? percent(share(row.table.at_home, row.table.live)) : "-", figures.settled ? "" : "noisy");
}

std::string counter_lines(const std::vector<Row> &rows) {
    std::string text = "\ncounted by the program:\n";
    for (const auto &row : rows) {
        if (row.table.entries == 0)
            continue;
        text += fmt::format("  {}: {} packets:", row.name, row.figures.packets);
        for (const auto &[name, count] : row.counted)
            text += fmt::format(" {} {}", name, count);
        text += '\n';
    }
    for (const auto &row : rows)
        if (!row.figures.settled) {
            text += "\n\"noisy\": in every attempt two samples of the same subject differed by more than the "
                    "allowed noise (A/A).\nSuch a row is not valid: repeat it on an idle machine.\n";
            break;
        }
    return text;
}

std::string shape_table(const std::vector<ShapeRow> &rows, const std::vector<LossRow> &losses) {
    std::string text =
        "\nlookup only, ns net (median); x floor: relative to the memory floor of the same rounds\n\n";
    text += fmt::format(shape_format, "shape", "load", "hit", "x floor", "A/A", "miss", "A/A", "");
    for (const auto &row : rows)
        text += fmt::format(shape_format, row.name, percent(row.load), fmt::format("{:.1f}", row.hit.median),
                            fmt::format("{:.2f}", row.hit.median / std::max(1.0, row.hit.memory)),
                            percent(row.hit.noise), fmt::format("{:.1f}", row.miss.median),
                            percent(row.miss.noise), row.hit.settled && row.miss.settled ? "" : "noisy");
    text += "\nsimulated: flows without a slot in a table filled to the load\n\n";
    text += fmt::format(loss_format, "shape", "load", "no slot", "lines/hit", "in the first");
    for (const auto &row : losses)
        text += fmt::format(loss_format, row.name, percent(row.load), fmt::format("{:.3f} %", row.lost * 100),
                            fmt::format("{:.2f}", row.lines), percent(row.first));
    return text;
}

nlohmann::ordered_json to_json(const std::vector<Row> &rows, const Settings &settings,
                               const std::vector<ShapeRow> &shapes, const std::vector<LossRow> &losses) {
    utsname machine{};
    ::uname(&machine);
    nlohmann::ordered_json document{{"kernel", machine.release},
                                    {"machine", machine.machine},
                                    {"rounds", settings.rounds},
                                    {"packetsPerSample", settings.packets},
                                    {"unit", "ns"}};
    auto &list = document["rows"] = nlohmann::ordered_json::array();
    for (const auto &row : rows) {
        auto entry = figures_json(row.figures);
        entry["name"] = row.name;
        entry["what"] = row.what;
        if (row.table.entries)
            entry["table"] = {
                {"entries", row.table.entries}, {"live", row.table.live}, {"atHome", row.table.at_home}};
        entry["counted"] = row.counted;
        list.push_back(std::move(entry));
    }
    for (const auto &row : shapes)
        document["shapes"].push_back({{"name", row.name},
                                      {"load", row.load},
                                      {"hit", figures_json(row.hit)},
                                      {"miss", figures_json(row.miss)}});
    for (const auto &row : losses)
        document["losses"].push_back({{"name", row.name},
                                      {"load", row.load},
                                      {"lost", row.lost},
                                      {"linesPerHit", row.lines},
                                      {"inFirst", row.first}});
    return document;
}

} // namespace glb::bench
