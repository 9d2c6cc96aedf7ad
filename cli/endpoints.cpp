// glbctl endpoints: where traffic enters and leaves.
#include "cli/command.h"
#include "cli/render.h"

namespace glb::cli {

namespace {

using nlohmann::json;

/// "cli0", "eth1.100" or "eth1.100.7": the VLANs as Linux names such devices.
std::string interfaces_text(const json &interfaces) {
    std::string out;
    for (const auto &interface : interfaces) {
        out += (out.empty() ? "" : ",") + text_of(interface, "name");
        const auto &vlans = array_of(interface, "vlan");
        for (const auto &vlan : vlans)
            out += '.' + vlan.dump();
        if (vlans.empty() && text_of(interface, "vlan") != "-" && text_of(interface, "vlan") != "[]")
            out += '.' + text_of(interface, "vlan");
    }
    return out;
}

std::string show_endpoints(const json &document, bool colour) {
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
    for (const auto &row : array_of(document, "endpoints")) {
        const bool bypassed = flag_of(row, "bypassed");
        table.add({text_of(row, "name"),
                   text_of(row, "id"),
                   text_of(row, "mode"),
                   text_of(row, "targetGroup"),
                   interfaces_text(array_of(row, "interfaces")),
                   count_of(row, "packetsIn"),
                   bytes_of(row, "bytesIn"),
                   count_of(row, "packetsForwarded"),
                   bytes_of(row, "bytesForwarded"),
                   {bypassed ? "BYPASSED" : "on", bypassed ? Style::bad : Style::good}});
    }
    return table.text(colour);
}

} // namespace

void add_endpoints(CLI::App &app, Context &context) {
    add_command(app, context, "endpoints", "Each endpoint, with its traffic",
                {"glbctl endpoints", "glbctl -o json endpoints | jq '.endpoints[].packetsIn'"}, [&context] {
                    return get(context, "/v1/endpoints", {}, [&](const json &document) {
                        return show_endpoints(document, context.colour);
                    });
                });
}

} // namespace glb::cli
