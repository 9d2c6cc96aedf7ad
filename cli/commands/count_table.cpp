#include "cli/commands/count_table.h"

#include "cli/table.h"

namespace glb::cli {

std::string format_counters(const std::vector<documents::Counter> &counters, const char *title,
                            bool are_losses, bool colour) {
    Table table({{title}, {"PACKETS", Align::right}, {"BYTES", Align::right}, {"MEANING"}});
    for (const auto &row : counters) {
        const auto style = row.packets == 0 ? Style::dim : are_losses ? Style::warning : Style::plain;
        const bool is_event = row.packets != 0 && row.bytes == 0; // counters of events have no bytes
        table.add({{row.reason, style},
                   format_count(row.packets),
                   is_event ? "-" : format_bytes(row.bytes),
                   row.packets != 0 && row.fix ? row.meaning + "; fix: " + *row.fix : row.meaning});
    }
    return table.text(colour);
}

} // namespace glb::cli
