// glbctl drops and counters: why packets are not forwarded, and everything else that is counted.
#include <memory>

#include "cli/command.h"
#include "cli/render.h"

namespace glb::cli {

namespace {

using nlohmann::json;

std::string show_counts(const json &document, const char *list, bool is_loss, bool colour) {
    Table table(
        {{is_loss ? "REASON" : "COUNTER"}, {"PACKETS", Align::right}, {"BYTES", Align::right}, {"MEANING"}});
    for (const auto &row : array_of(document, list)) {
        const auto packets = count_of(row, "packets");
        const auto tone = packets == "0" ? Style::dim : is_loss ? Style::warning : Style::plain;
        // What counts events has no bytes, however often it happened.
        const auto bytes = packets != "0" && bytes_of(row, "bytes") == "0 B" ? "-" : bytes_of(row, "bytes");
        table.add({{text_of(row, "reason"), tone}, packets, bytes, text_of(row, "meaning")});
    }
    return table.text(colour);
}

void add(CLI::App &app, Context &context, const char *name, const std::string &description, bool is_loss,
         const std::string &example) {
    add_command(app, context, name, description, {"glbctl " + std::string(name), example},
                [&context, name, is_loss] {
                    return get(context, std::string("/v1/") + name, {}, [&](const json &document) {
                        return show_counts(document, name, is_loss, context.colour);
                    });
                });
}

} // namespace

void add_counters(CLI::App &app, Context &context) {
    add(app, context, "drops", "Every reason for which a packet is not forwarded, at zero too", true,
        "glbctl -o json drops | jq '.drops[] | select(.packets > 0)'");
    add(app, context, "counters", "Every other counter of the data path", false, "watch -d glbctl counters");
}

} // namespace glb::cli
