// glbctl endpoints: where traffic enters and leaves.
#include "controller/documents/endpoints.h"
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/table.h"

namespace glb::cli {

namespace {

/// "cli0", "eth1.100" or "eth1.100.7": with VLANs, as Linux names such devices.
std::string format_interfaces(const std::vector<documents::EndpointInterface> &interfaces) {
    std::string out;
    for (const auto &interface : interfaces) {
        out += (out.empty() ? "" : ",") + interface.name;
        for (const auto vlan : interface.vlan.ids)
            out += fmt::format(".{}", vlan);
    }
    return out;
}

std::string format_endpoints(const documents::EndpointList &document, bool colour) {
    Table table({{"ENDPOINT"},
                 {"ID"},
                 {"MODE"},
                 {"GROUP"},
                 {"INTERFACES"},
                 {"PACKETS IN", Align::right},
                 {"BYTES IN", Align::right},
                 {"FORWARDED", Align::right},
                 {"BYTES", Align::right},
                 {"INSPECTION"}});
    for (const auto &row : document.endpoints)
        table.add({row.name,
                   row.id,
                   row.mode,
                   row.target_group,
                   format_interfaces(row.interfaces),
                   format_count(row.packets_in),
                   format_bytes(row.bytes_in),
                   format_count(row.packets_forwarded),
                   format_bytes(row.bytes_forwarded),
                   {row.bypassed ? "BYPASSED" : "on", row.bypassed ? Style::bad : Style::good}});
    return table.text(colour);
}

} // namespace

void add_endpoints(CLI::App &app, Context &context) {
    add_command(app, context, "endpoints", "List endpoints with their traffic",
                {"glbctl endpoints", "glbctl -o json endpoints | jq '.endpoints[].packetsIn'"}, [&context] {
                    return get(context, "/v1/endpoints", {},
                               formatter<documents::EndpointList>([&](const auto &document) {
                                   return format_endpoints(document, context.colour);
                               }));
                });
}

} // namespace glb::cli
