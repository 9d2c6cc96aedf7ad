#include "bench/report.h"

#include <sys/utsname.h>

#include <fmt/format.h>

namespace glb::bench {

namespace {

constexpr const char *line_format = "{:<24} {:>9} {:>9} {:>8} {:>8} {:>10} {:>11} {:>10} {:>7} {:>6}\n";

double share(std::uint64_t part, std::uint64_t whole) {
    return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string percent(double value) {
    return fmt::format("{:.1f} %", value * 100);
}

} // namespace

std::string table_head() {
    return fmt::format("ns a packet, net of the generator's cost; x anchor: by the encap floor of the same rounds\n\n") +
           fmt::format(line_format, "row", "p10", "median", "x anchor", "A/A", "mem floor", "table", "occupied",
                       "home", "");
}

std::string table_line(const Row &row) {
    const auto &figures = row.figures;
    const bool table = row.table.entries != 0;
    return fmt::format(line_format, row.name, fmt::format("{:.1f}", figures.p10), fmt::format("{:.1f}", figures.median),
                       fmt::format("{:.2f}", figures.ratio), percent(figures.noise),
                       fmt::format("{:.1f}", figures.memory), table ? fmt::format("{}", row.table.entries) : "-",
                       table ? percent(share(row.table.live, row.table.entries)) : "-",
                       table ? percent(share(row.table.at_home, row.table.live)) : "-",
                       figures.settled ? "" : "noisy");
}

std::string proof_lines(const std::vector<Row> &rows) {
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
            text += "\n\"noisy\": the same subject differed from itself by more than the noise allowed (A/A) in every\n"
                    "attempt. Such a row is no figure: run it again on a quieter machine.\n";
            break;
        }
    return text;
}

nlohmann::ordered_json to_json(const std::vector<Row> &rows, const Settings &settings) {
    utsname machine{};
    ::uname(&machine);
    nlohmann::ordered_json document{{"kernel", machine.release}, {"machine", machine.machine},
                                    {"rounds", settings.rounds}, {"packetsPerSample", settings.packets},
                                    {"unit", "ns"}};
    auto &list = document["rows"] = nlohmann::ordered_json::array();
    for (const auto &row : rows) {
        const auto &figures = row.figures;
        nlohmann::ordered_json entry{
            {"name", row.name},           {"what", row.what},           {"p10", figures.p10},
            {"median", figures.median},   {"ratio", figures.ratio},     {"noise", figures.noise},
            {"settled", figures.settled}, {"attempts", figures.attempts}, {"anchor", figures.anchor},
            {"memoryFloor", figures.memory}, {"base", figures.base},    {"packets", figures.packets}};
        if (row.table.entries)
            entry["table"] = {{"entries", row.table.entries}, {"live", row.table.live}, {"atHome", row.table.at_home}};
        entry["counted"] = row.counted;
        list.push_back(std::move(entry));
    }
    return document;
}

} // namespace glb::bench
