#include "cli/commands/changes.h"

#include "cli/format.h"
#include "cli/output.h"
#include "controller/documents/apply.h"
#include "lib/http/uri.h"

namespace glb::cli {

namespace {

using nlohmann::json;

Style style_for_action(std::string_view action) {
    return action == "add" ? Style::good : action == "remove" ? Style::bad : Style::warning;
}

std::string member_line(const std::string &name, const json &before, const json &after) {
    return sanitize(fmt::format("    {}: {} -> {}", name, format_value(before), format_value(after))) + '\n';
}

/// The members that differ; none if the object was added or removed.
std::string members_text(const json &before, const json &after) {
    if (!before.is_object() || !after.is_object() || before.empty() || after.empty())
        return "";
    std::string out;
    for (const auto &[name, value] : after.items())
        if (const auto old = before.contains(name) ? before[name] : json(); old != value)
            out += member_line(name, old, value);
    for (const auto &[name, value] : before.items())
        if (!after.contains(name))
            out += member_line(name, value, nullptr);
    return out;
}

std::string changes_text(const std::vector<documents::Change> &changes, bool colour) {
    std::string out;
    for (const auto &change : changes) {
        const std::string_view sign = change.action == "add" ? "+" : change.action == "remove" ? "-" : "~";
        out += colorize(sanitize(fmt::format("{} {} {}", sign, change.kind, change.name)),
                        style_for_action(change.action), colour) +
               '\n' + members_text(change.before, change.after);
    }
    return out;
}

std::string summary(const documents::Apply &document, const ChangeOptions &options, bool colour) {
    const auto changes = format_count(document.changes.size(), "change");
    std::string out;
    for (const auto &target : document.drained_by_operator)
        out += colorize(sanitize(fmt::format("! target {} stays drained by the operator", target)),
                        Style::warning, colour) +
               '\n';
    if (document.applied)
        out += fmt::format("applied {}, epoch {}\n", changes, document.epoch);
    else if (document.changes.empty())
        out += "no changes\n";
    else
        out += fmt::format("{}{}\n", changes, options.only_diff ? "" : ", none applied (dry run)");
    if (document.confirm_within_seconds)
        out += colorize(fmt::format("reverting in {} unless confirmed (glbctl confirm)",
                                    format_duration(*document.confirm_within_seconds)),
                        Style::warning, colour) +
               '\n';
    return out;
}

} // namespace

void add_change_options(CLI::App &command, ChangeOptions &options) {
    command.add_flag("--dry-run", options.dry_run, "show what would change, and change nothing");
    command
        .add_option("--confirm", options.confirm_seconds, "revert unless confirmed by glbctl confirm in time")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400));
    command.add_flag(
        "--confirm-pending", options.confirm_pending,
        "also confirm the manifest that is pending confirmation, which otherwise refuses this change");
}

Query query_of(const ChangeOptions &options) {
    Query query;
    if (options.dry_run || options.only_diff)
        query.emplace_back("dryRun", "true");
    if (options.confirm_seconds)
        query.emplace_back("confirm", std::to_string(options.confirm_seconds));
    if (options.confirm_pending)
        query.emplace_back("confirmPending", "true");
    return query;
}

int show_changes(const Context &context, const Reply &reply, const ChangeOptions &options,
                 const std::string &input) {
    if (!reply.failure.empty())
        return reply.exit;
    if (context.output == Output::json)
        print(reply.text);
    if (reply.status >= 400) {
        // 422: errors of the manifest, which belong to its file. Other errors belong to the request.
        reply.status == 422 ? print_errors(input, errors_of(reply.document))
                            : print_errors(errors_of(reply.document));
        return reply.exit;
    }
    const auto document = documents::from_json<documents::Apply>(reply.document);
    if (!document) {
        print_error("unexpected response: " + document.error().message);
        return exit_refused;
    }
    for (const auto &warning : document->warnings)
        print_error("warning: " + warning);
    if (context.output == Output::table)
        print(changes_text(document->changes, context.colour) + summary(*document, options, context.colour));
    return reply.exit;
}

int send_manifest(const Context &context, const std::string &file, const ChangeOptions &options) {
    const auto text = read_input(file);
    if (!text)
        return fail_command(context, text.error().message);
    const auto reply = request(context, "POST", with_query("/v1/manifest", query_of(options)), *text);
    return show_changes(context, reply, options, input_name(file));
}

} // namespace glb::cli
