// glbctl status: the node at a glance.
#include "cli/command.h"
#include "cli/render.h"

namespace glb::cli {

namespace {

using nlohmann::json;

std::string line(std::string_view title, const std::string &text) {
    return fmt::format("{:<12}{}\n", title, sanitize(text));
}

std::string styled_line(std::string_view title, const std::string &text, Style tone, bool colour) {
    return fmt::format("{:<12}{}\n", title, colorize(sanitize(text), tone, colour));
}

std::string guard_line(const json &guard, bool colour) {
    const bool installed = flag_of(guard, "installed");
    const auto uninspected = count_of(guard, "uninspected");
    const auto restored = count_of(guard, "restored");
    auto out = styled_line("guard",
                           fmt::format("{}, {} packets kept from passing uninspected{}",
                                       installed ? "installed" : "NOT INSTALLED", uninspected,
                                       restored == "0" ? "" : fmt::format("; put back {} times", restored)),
                           !installed           ? Style::bad
                           : uninspected == "0" ? Style::good
                                                : Style::warning,
                           colour);
    for (const auto &warning : array_of(guard, "warnings"))
        out += styled_line("warning", value_text(warning), Style::warning, colour);
    return out;
}

std::string targets_line(const json &targets) {
    std::string out;
    for (const char *state : {"healthy", "unhealthy", "draining", "initial", "unused", "unavailable"})
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", text_of(targets, state), state);
    return line("targets", out);
}

std::string interfaces_table(const json &interfaces, bool colour) {
    Table table({{"INTERFACE"}, {"MODE"}, {"PROGRAM"}, {"PUNT"}});
    for (const auto &row : interfaces) {
        const bool attached = flag_of(row, "attached");
        table.add({text_of(row, "name"),
                   text_of(row, "mode"),
                   {attached ? flag_of(row, "shared") ? "attached, shared" : "attached" : "not attached",
                    attached ? Style::good : Style::bad},
                   flag_of(row, "punt") ? Cell("yes") : Cell("no", Style::warning)});
    }
    return table.empty() ? "" : '\n' + table.text(colour);
}

std::string show_status(const json &status, bool colour) {
    const bool ready = flag_of(status, "ready");
    const auto &flows = object_of(status, "flows");
    auto out = styled_line("node",
                           text_of(status, "node") +
                               (ready ? ", ready" : ", NOT READY: " + text_of(status, "notReadyReason")),
                           ready ? Style::good : Style::bad, colour);
    out += line("version", text_of(status, "version"));
    out += line("epoch", text_of(status, "epoch"));
    out += line("up", duration_of(status, "uptimeSeconds"));
    out += guard_line(object_of(status, "guard"), colour);
    std::string bypassed;
    for (const auto &endpoint : array_of(status, "bypassed"))
        bypassed += (bypassed.empty() ? "" : ", ") + value_text(endpoint);
    if (!bypassed.empty())
        out += styled_line("BYPASSED", bypassed, Style::bad, colour);
    if (const auto &confirmation = object_of(status, "confirmation"); !confirmation.empty())
        out += styled_line("ON TRIAL",
                           fmt::format("the manifest before returns in {}, unless glbctl confirm comes",
                                       duration_of(confirmation, "secondsLeft")),
                           Style::warning, colour);
    out += line("flows", fmt::format("{} active, {} unconfirmed, room for {}; {} packets untracked",
                                     count_of(flows, "active"), count_of(flows, "unconfirmed"),
                                     count_of(flows, "capacity"), count_of(flows, "untracked")));
    out += targets_line(object_of(status, "targets"));
    return out + interfaces_table(array_of(status, "interfaces"), colour);
}

} // namespace

void add_status(CLI::App &app, Context &context) {
    add_command(app, context, "status", "The node at a glance",
                {"glbctl status", "glbctl -o json status | jq .ready"}, [&context] {
                    return get(context, "/v1/status", {},
                               [&](const json &status) { return show_status(status, context.colour); });
                });
}

} // namespace glb::cli
