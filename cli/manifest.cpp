// glbctl apply, diff, export, confirm, history, rollback: the manifest in force, and how it changes.
#include <memory>

#include "cli/command.h"
#include "cli/render.h"
#include "controller/api/http/uri.h"
#include "controller/config/exporter.h"
#include "controller/config/parser.h"

namespace glb::cli {

namespace {

using nlohmann::json;

Style style_for_action(std::string_view action) {
    return action == "add" ? Style::good : action == "remove" ? Style::bad : Style::warning;
}

/// One line a change; of a changed object only the members that differ.
std::string changes_text(const json &changes, bool colour) {
    std::string out;
    for (const auto &change : changes) {
        const auto action = text_of(change, "action");
        const std::string_view sign = action == "add" ? "+" : action == "remove" ? "-" : "~";
        out += colorize(
                   sanitize(fmt::format("{} {} {}", sign, text_of(change, "kind"), text_of(change, "name"))),
                   style_for_action(action), colour) +
               '\n';
        const auto &before = object_of(change, "before");
        const auto &after = object_of(change, "after");
        if (before.empty() || after.empty())
            continue;
        for (const auto &[member, value] : after.items()) {
            const auto old = before.contains(member) ? before[member] : json();
            if (old != value)
                out += sanitize(fmt::format("    {}: {} -> {}", member, value_text(old), value_text(value))) +
                       '\n';
        }
        for (const auto &[member, value] : before.items())
            if (!after.contains(member))
                out += sanitize(fmt::format("    {}: {} -> -", member, value_text(value))) + '\n';
    }
    return out;
}

struct Sending {
    std::string file;
    bool dry_run = false;
    bool only_diff = false;
    std::uint32_t confirm_seconds = 0; ///< 0: no confirmation is asked for
    std::uint32_t back = 1;            ///< of a rollback
};

Query query_of(const Sending &sending) {
    Query query;
    if (sending.dry_run || sending.only_diff)
        query.emplace_back("dryRun", "true");
    if (sending.confirm_seconds)
        query.emplace_back("confirm", std::to_string(sending.confirm_seconds));
    return query;
}

std::string summary(const json &document, const Sending &sending, bool colour) {
    const auto count = array_of(document, "changes").size();
    const auto noun = count == 1 ? "change" : "changes";
    std::string out;
    for (const auto &name : array_of(document, "drainedByOperator"))
        out += colorize(sanitize(fmt::format("! target {} stays drained by the operator", value_text(name))),
                        Style::warning, colour) +
               '\n';
    if (flag_of(document, "applied"))
        out += fmt::format("applied {} {}, epoch {}\n", count, noun, text_of(document, "epoch"));
    else if (count == 0)
        out += "no changes\n";
    else
        out += fmt::format("{} {}{}\n", count, noun, sending.only_diff ? "" : ", none applied (dry run)");
    if (document.contains("confirmWithinSeconds"))
        out += colorize(fmt::format("unless glbctl confirm comes within {}, what was in force before returns",
                                    duration_of(document, "confirmWithinSeconds")),
                        Style::warning, colour) +
               '\n';
    return out;
}

/// Shows what an apply or a rollback came to. `input` is what its problems are told of.
int show_outcome(const Context &context, const Reply &answer, const Sending &sending,
                 const std::string &input) {
    if (answer.status == 0)
        return answer.exit;
    if (context.output == Output::json && !answer.document.is_discarded())
        print(answer.text);
    if (answer.status >= 400) {
        // What is wrong with the manifest belongs to the file; what went wrong in carrying it out does not.
        if (!answer.document.is_discarded())
            answer.status == 422 ? print_error(input, problems_of(answer.document))
                                 : print_error(problems_of(answer.document));
        return answer.exit;
    }
    for (const auto &warning : array_of(answer.document, "warnings"))
        print_error("warning: " + value_text(warning));
    if (context.output == Output::table && answer.exit == exit_done)
        print(changes_text(array_of(answer.document, "changes"), context.colour) +
              summary(answer.document, sending, context.colour));
    return answer.exit;
}

int send(const Context &context, const Sending &sending) {
    const auto text = read_input(sending.file);
    if (!text)
        return refuse(context, text.error().message);
    const auto answer = request(context, "POST", with_query("/v1/manifest", query_of(sending)), *text);
    return show_outcome(context, answer, sending, input_name(sending.file));
}

int roll_back(const Context &context, const Sending &sending) {
    auto query = query_of(sending);
    query.emplace_back("back", std::to_string(sending.back));
    return show_outcome(context, request(context, "POST", with_query("/v1/rollback", query)), sending,
                        "the manifest of the history");
}

std::string show_history(const json &document, bool colour) {
    Table table({{"BACK", Align::right},
                 {"IN FORCE SINCE"},
                 {"BY"},
                 {"UID", Align::right},
                 {"PID", Align::right},
                 {"EPOCH", Align::right},
                 {"ENDPOINTS", Align::right},
                 {"TARGETS", Align::right},
                 {"FILE"}});
    for (const auto &row : array_of(document, "history"))
        table.add({text_of(row, "back"), text_of(row, "time"), text_of(row, "by"), text_of(row, "uid"),
                   text_of(row, "pid"), text_of(row, "epoch"), text_of(row, "endpoints"),
                   text_of(row, "targets"), text_of(row, "file")});
    return table.text(colour);
}

void add_history_commands(CLI::App &app, Context &context) {
    add_command(app, context, "confirm", "Keeps the manifest that apply --confirm made the one in force",
                {"glbctl apply --confirm 60 manifest.json && glbctl confirm"}, [&context] {
                    return post(context, "/v1/confirm", {}, [](const json &) { return "confirmed\n"; });
                });
    add_command(app, context, "history", "The last 20 manifests in force, with time and who",
                {"glbctl history", "glbctl -o json history | jq '.history[1].time'"}, [&context] {
                    return get(context, "/v1/history", {},
                               [&](const json &document) { return show_history(document, context.colour); });
                });
    const auto rolling = std::make_shared<Sending>();
    auto *rollback =
        add_command(app, context, "rollback", "Makes a manifest of the history the one in force again",
                    {"glbctl rollback", "glbctl rollback 3 --dry-run", "glbctl rollback --confirm 60"},
                    [&context, rolling] { return roll_back(context, *rolling); });
    rollback->add_option("N", rolling->back, "so many places back in the history; 1 is the one before")
        ->check(CLI::Range(1, 1000));
    rollback->add_flag("--dry-run", rolling->dry_run, "show what would change, and stop");
    rollback->add_option("--confirm", rolling->confirm_seconds, "undo it unless glbctl confirm comes in time")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400));
}

/// A manifest is JSON in either output; for people it is indented, its members in the order of the reference.
std::string readable(const json &document) {
    if (const auto manifest = parse_manifest(document.dump(-1, ' ', false, json::error_handler_t::replace)))
        return export_manifest(*manifest).dump(2) + '\n';
    return document.dump(2, ' ', false, json::error_handler_t::replace) + '\n'; // of another version's daemon
}

} // namespace

void add_manifest_commands(CLI::App &app, Context &context) {
    const auto applying = std::make_shared<Sending>();
    auto *apply =
        add_command(app, context, "apply", "Makes a manifest the one in force: all of it or nothing",
                    {"glbctl apply /etc/glb/manifest.json", "glbctl apply --dry-run manifest.json",
                     "glbctl apply --confirm 60 manifest.json && glbctl confirm",
                     "jq '.targetGroups[0].targets[0].weight = 0' m.json | glbctl apply -"},
                    [&context, applying] { return send(context, *applying); });
    apply->add_option("FILE", applying->file, "the manifest; - is stdin")->required();
    apply->add_flag("--dry-run", applying->dry_run, "check, show what would change, and stop");
    apply->add_option("--confirm", applying->confirm_seconds, "undo it unless glbctl confirm comes in time")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400));

    const auto diffing = std::make_shared<Sending>();
    diffing->only_diff = true;
    auto *diff = add_command(
        app, context, "diff", "Shows what apply would change",
        {"glbctl diff manifest.json", "glbctl -o json diff manifest.json | jq '.changes | length'"},
        [&context, diffing] { return send(context, *diffing); });
    diff->add_option("FILE", diffing->file, "the manifest; - is stdin")->required();

    add_command(app, context, "export", "Prints the manifest in force, as JSON",
                {"glbctl export > manifest.json", "glbctl export | jq .targetGroups"},
                [&context] { return get(context, "/v1/manifest", {}, readable); });
    add_history_commands(app, context);
}

} // namespace glb::cli
