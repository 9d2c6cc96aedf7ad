// glbctl flows: the flow table, filtered.
#include <memory>

#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/table.h"
#include "controller/documents/flows.h"
#include "controller/observe/flow_query.h"

namespace glb::cli {

namespace {

Style style_for_flow(std::string_view state) {
    return state == "established" ? Style::good : state == "unconfirmed" ? Style::warning : Style::dim;
}

std::string format_flows(const documents::FlowList &document, bool colour) {
    if (document.flows.empty())
        return "no flows\n";
    Table table({{"ENDPOINT"},
                 {"PROTO"},
                 {"SOURCE"},
                 {"DESTINATION"},
                 {"TARGET"},
                 {"STATE"},
                 {"AGE", Align::right},
                 {"IDLE", Align::right},
                 {"OUT", Align::right},
                 {"BACK", Align::right},
                 {"BYTES OUT", Align::right},
                 {"BYTES BACK", Align::right}});
    for (const auto &flow : document.flows)
        table.add({flow.endpoint,
                   flow.protocol,
                   flow.source,
                   flow.destination,
                   flow.target_group + '/' + flow.target,
                   {flow.state, style_for_flow(flow.state)},
                   format_duration(flow.age_seconds),
                   format_duration(flow.idle_seconds),
                   format_count(flow.packets_out),
                   format_count(flow.packets_back),
                   format_bytes(flow.bytes_out),
                   format_bytes(flow.bytes_back)});
    auto out = table.text(colour);
    if (document.truncated)
        out += fmt::format("{} of {} flows; --limit 0 shows all\n", document.flows.size(), document.total);
    return out;
}

/// Invalid filters are errors of usage: the daemon's parser rejects them here, before any request.
int run_flows(const Context &context, const observe::FlowQueryFields &fields) {
    if (const auto filter = observe::parse_flow_query(fields); !filter) {
        for (const auto &[pointer, message] : filter.error())
            print_error("--" + pointer.substr(1) + ": " + message);
        return exit_usage;
    }
    if (context.output == Output::json)
        return stream(context, "/v1/flows", fields);
    return get(context, "/v1/flows", fields, formatter<documents::FlowList>([&](const auto &document) {
                   return format_flows(document, context.colour);
               }));
}

} // namespace

void add_flows(CLI::App &app, Context &context) {
    const auto fields = std::make_shared<observe::FlowQueryFields>();
    auto *command =
        add_command(app, context, "flows", "List the entries of the flow table, with filters",
                    {"glbctl flows --target firewalls/fw-1 --state established",
                     "glbctl flows --protocol tcp --source 192.0.2.0/24 --destination '[2001:db8::1]:443'",
                     "glbctl -o json flows --limit 0 | jq '.flows | length'"},
                    [&context, fields] { return run_flows(context, *fields); });
    const auto add = [&](const std::string &name, const std::string &type, const std::string &help) {
        command
            ->add_option_function<std::string>(
                "--" + name, [fields, name](const std::string &value) { fields->emplace_back(name, value); },
                help)
            ->type_name(type);
    };
    add("endpoint", "NAME", "flows of this endpoint");
    add("target", "[GROUP/]TARGET", "flows of this target");
    add("protocol", "NAME|NUMBER", "tcp, udp, icmp, icmpv6, sctp, gre, esp, ah, or 0 to 255");
    add("state", "STATE", "unconfirmed, established, closing, closed");
    add("source", "MATCH", "ADDR, PREFIX, ADDR:PORT or [ADDR6]:PORT; the source of the flow's first packet");
    add("destination", "MATCH", "the same for the destination");
    add("limit", "NUMBER", "maximum number of flows; 1000 by default, 0 for all");
}

} // namespace glb::cli
