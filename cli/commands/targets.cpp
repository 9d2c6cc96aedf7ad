// glbctl targets: the appliances, their health and their traffic.
#include <memory>

#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/table.h"
#include "controller/documents/targets.h"

namespace glb::cli {

namespace {

std::string format_address(const documents::Target &target) {
    return target.address.find(':') == std::string::npos
               ? fmt::format("{}:{}", target.address, target.port)
               : fmt::format("[{}]:{}", target.address, target.port);
}

std::string format_reason(const documents::Target &target) {
    auto reason = or_dash(target.reason);
    if (target.drained_by_operator)
        reason += " (drained by the operator)";
    const auto &detail = target.description ? target.description : target.last_error;
    if (detail && (target.state == "unhealthy" || target.state == "initial"))
        reason += fmt::format(" ({})", *detail);
    if (target.silent_seconds)
        reason += fmt::format(" (nothing returns: {} packets sent in {})", target.silent_packets.value_or(0),
                              format_duration(*target.silent_seconds));
    return reason;
}

std::string format_targets(const documents::TargetList &document, bool colour) {
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
    for (const auto &target : document.targets)
        table.add({target.target_group + '/' + target.id,
                   format_address(target),
                   std::to_string(target.weight),
                   {target.state, style_for_state(target.state)},
                   format_duration(target.since_seconds),
                   format_count(target.active_flows),
                   format_count(target.new_flows),
                   format_count(target.packets_out),
                   format_count(target.packets_back),
                   format_bytes(target.bytes_out),
                   format_bytes(target.bytes_back),
                   format_reason(target)});
    return table.text(colour);
}

} // namespace

void add_targets(CLI::App &app, Context &context) {
    const auto group = std::make_shared<std::string>();
    auto *command =
        add_command(app, context, "targets", "List targets: state, reason, flows, packets out and back",
                    {"glbctl targets", "glbctl targets firewalls",
                     "glbctl -o json targets | jq -r '.targets[] | select(.state != \"healthy\") | .id'"},
                    [&context, group] {
                        const auto query = group->empty() ? Query{} : Query{{"group", *group}};
                        return get(context, "/v1/targets", query,
                                   formatter<documents::TargetList>([&](const auto &document) {
                                       return format_targets(document, context.colour);
                                   }));
                    });
    command->add_option("GROUP", *group, "only the targets of this group");
}

} // namespace glb::cli
