// glbctl targets: the appliances, their health and their traffic.
#include <memory>

#include "cli/command.h"
#include "cli/render.h"

namespace glb::cli {

namespace {

using nlohmann::json;

std::string address_text(const json &row) {
    const auto address = text_of(row, "address");
    return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, text_of(row, "port"))
                                                  : fmt::format("[{}]:{}", address, text_of(row, "port"));
}

std::string show_targets(const json &document, bool colour) {
    Table table({{"TARGET"},
                 {"ADDRESS"},
                 {"WEIGHT", Align::right},
                 {"STATE"},
                 {"SINCE", Align::right},
                 {"FLOWS", Align::right},
                 {"NEW", Align::right},
                 {"OUT", Align::right},
                 {"BACK", Align::right},
                 {"BYTES OUT", Align::right},
                 {"BYTES BACK", Align::right},
                 {"REASON"}});
    for (const auto &row : array_of(document, "targets")) {
        const auto state = text_of(row, "state");
        auto reason = text_of(row, "reason");
        if (flag_of(row, "drainedByOperator"))
            reason += " (drained by the operator)";
        if (const auto error = text_of(row, "lastError");
            error != "-" && (state == "unhealthy" || state == "initial"))
            reason += " (" + error + ")";
        table.add({text_of(row, "targetGroup") + '/' + text_of(row, "id"),
                   address_text(row),
                   text_of(row, "weight"),
                   {state, style_for_state(state)},
                   duration_of(row, "sinceSeconds"),
                   count_of(row, "activeFlows"),
                   count_of(row, "newFlows"),
                   count_of(row, "packetsOut"),
                   count_of(row, "packetsBack"),
                   bytes_of(row, "bytesOut"),
                   bytes_of(row, "bytesBack"),
                   reason});
    }
    return table.text(colour);
}

} // namespace

void add_targets(CLI::App &app, Context &context) {
    const auto group = std::make_shared<std::string>();
    auto *command =
        add_command(app, context, "targets", "Each target: state, reason, flows, packets out and back",
                    {"glbctl targets", "glbctl targets firewalls",
                     "glbctl -o json targets | jq -r '.targets[] | select(.state != \"healthy\") | .id'"},
                    [&context, group] {
                        const auto query = group->empty() ? Query{} : Query{{"group", *group}};
                        return get(context, "/v1/targets", query, [&](const json &document) {
                            return show_targets(document, context.colour);
                        });
                    });
    command->add_option("GROUP", *group, "only the targets of this group");
}

} // namespace glb::cli
