// glbctl flows: the flow table, filtered.
#include <memory>

#include "cli/command.h"
#include "cli/render.h"
#include "controller/observe/flow_query.h"

namespace glb::cli {

namespace {

using nlohmann::json;

std::string show_flows(const json &document, bool colour) {
    if (array_of(document, "flows").empty())
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
    for (const auto &row : array_of(document, "flows")) {
        const auto state = text_of(row, "state");
        const auto tone = state == "established"   ? Style::good
                          : state == "unconfirmed" ? Style::warning
                                                   : Style::dim;
        table.add({text_of(row, "endpoint"),
                   text_of(row, "protocol"),
                   text_of(row, "source"),
                   text_of(row, "destination"),
                   text_of(row, "targetGroup") + '/' + text_of(row, "target"),
                   {state, tone},
                   duration_of(row, "ageSeconds"),
                   duration_of(row, "idleSeconds"),
                   count_of(row, "packetsOut"),
                   count_of(row, "packetsBack"),
                   bytes_of(row, "bytesOut"),
                   bytes_of(row, "bytesBack")});
    }
    auto out = table.text(colour);
    if (flag_of(document, "truncated"))
        out += fmt::format("{} of {} flows; --limit 0 shows all\n", array_of(document, "flows").size(),
                           text_of(document, "total"));
    return out;
}

/// Wrong filters are wrong usage: told here, by the parser that the daemon has, before anybody is asked.
int run(const Context &context, const FlowQueryFields &fields) {
    if (const auto filter = parse_flow_query(fields); !filter) {
        for (const auto &[pointer, message] : filter.error())
            print_error("--" + pointer.substr(1) + ": " + message);
        return exit_usage;
    }
    return get(context, "/v1/flows", fields,
               [&](const json &document) { return show_flows(document, context.colour); });
}

} // namespace

void add_flows(CLI::App &app, Context &context) {
    const auto fields = std::make_shared<FlowQueryFields>();
    auto *command =
        add_command(app, context, "flows", "The flow table, with filters",
                    {"glbctl flows --target firewalls/fw-1 --state established",
                     "glbctl flows --protocol tcp --source 192.0.2.0/24 --destination '[2001:db8::1]:443'",
                     "glbctl -o json flows --limit 0 | jq '.flows | length'"},
                    [&context, fields] { return run(context, *fields); });
    const auto add = [&](const std::string &name, const std::string &type, const std::string &help) {
        command
            ->add_option_function<std::string>(
                "--" + name, [fields, name](const std::string &value) { fields->emplace_back(name, value); },
                help)
            ->type_name(type);
    };
    add("endpoint", "NAME", "of this endpoint");
    add("target", "[GROUP/]TARGET", "owned by this target");
    add("protocol", "NAME|NUMBER", "tcp, udp, icmp, icmpv6, sctp, gre, esp, ah, or 0 to 255");
    add("state", "STATE", "unconfirmed, established, closing, closed");
    add("source", "MATCH", "ADDR, PREFIX, ADDR:PORT or [ADDR6]:PORT, of the flow's first packet");
    add("destination", "MATCH", "the same for the other side");
    add("limit", "NUMBER", "at most so many; 1000 by default, 0 is all");
}

} // namespace glb::cli
