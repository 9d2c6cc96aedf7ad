// glbctl apply, diff, export: the manifest in force, and how it changes.
#include <memory>

#include "cli/command.h"
#include "cli/render.h"

namespace glb::cli {

namespace {

using nlohmann::json;

std::string shorten(const json &value) {
    if (value.is_null())
        return "-";
    return value.is_string() ? value.get<std::string>()
                             : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Tone tone_of_action(std::string_view action) {
    return action == "add" ? Tone::good : action == "remove" ? Tone::bad : Tone::warning;
}

/// One line a change; of a changed object only the members that differ.
std::string changes_text(const json &changes, bool colour) {
    std::string out;
    for (const auto &change : changes) {
        const auto action = text_of(change, "action");
        const std::string_view sign = action == "add" ? "+" : action == "remove" ? "-" : "~";
        out +=
            paint(printable(fmt::format("{} {} {}", sign, text_of(change, "kind"), text_of(change, "name"))),
                  tone_of_action(action), colour) +
            '\n';
        const auto &before = object_of(change, "before");
        const auto &after = object_of(change, "after");
        if (before.empty() || after.empty())
            continue;
        for (const auto &[member, value] : after.items()) {
            const auto old = before.contains(member) ? before[member] : json();
            if (old != value)
                out +=
                    printable(fmt::format("    {}: {} -> {}", member, shorten(old), shorten(value))) + '\n';
        }
        for (const auto &[member, value] : before.items())
            if (!after.contains(member))
                out += printable(fmt::format("    {}: {} -> -", member, shorten(value))) + '\n';
    }
    return out;
}

struct Sending {
    std::string file;
    bool dry_run = false;
    bool only_diff = false;
};

std::string summary(const json &document, const Sending &sending) {
    const auto count = array_of(document, "changes").size();
    if (count == 0)
        return "no changes\n";
    const auto noun = count == 1 ? "change" : "changes";
    if (flag_of(document, "applied"))
        return fmt::format("applied {} {}, epoch {}\n", count, noun, text_of(document, "epoch"));
    return fmt::format("{} {}{}\n", count, noun, sending.only_diff ? "" : ", none applied (dry run)");
}

int send(const Context &context, const Sending &sending) {
    const auto text = read_input(sending.file);
    if (!text) {
        complain(text.error().message);
        return exit_refused;
    }
    const bool dry_run = sending.dry_run || sending.only_diff;
    const auto answer =
        exchange(context, "POST", dry_run ? "/v1/manifest?dryRun=true" : "/v1/manifest", *text);
    if (answer.status == 0)
        return answer.exit;
    if (context.output == Output::json && !answer.document.is_discarded())
        print(answer.text);
    if (answer.status >= 400) {
        // What is wrong with the manifest belongs to the file; what went wrong in carrying it out does not.
        if (!answer.document.is_discarded())
            complain(answer.status == 422 ? input_name(sending.file) : "glbctl",
                     problems_of(answer.document));
        return answer.exit;
    }
    for (const auto &warning : array_of(answer.document, "warnings"))
        complain("warning: " + shorten(warning));
    if (context.output == Output::table && answer.exit == exit_done)
        print(changes_text(array_of(answer.document, "changes"), context.colour) +
              summary(answer.document, sending));
    return answer.exit;
}

} // namespace

void add_manifest_commands(CLI::App &app, Context &context) {
    const auto applying = std::make_shared<Sending>();
    auto *apply =
        add_command(app, context, "apply", "Makes a manifest the one in force: all of it or nothing",
                    {"glbctl apply /etc/glb/manifest.json", "glbctl apply --dry-run manifest.json",
                     "jq '.targetGroups[0].targets[0].weight = 0' m.json | glbctl apply -"},
                    [&context, applying] { return send(context, *applying); });
    apply->add_option("FILE", applying->file, "the manifest; - is stdin")->required();
    apply->add_flag("--dry-run", applying->dry_run, "check, show what would change, and stop");

    const auto diffing = std::make_shared<Sending>();
    diffing->only_diff = true;
    auto *diff = add_command(
        app, context, "diff", "Shows what apply would change",
        {"glbctl diff manifest.json", "glbctl -o json diff manifest.json | jq '.changes | length'"},
        [&context, diffing] { return send(context, *diffing); });
    diff->add_option("FILE", diffing->file, "the manifest; - is stdin")->required();

    add_command(app, context, "export", "Prints the manifest in force, as JSON",
                {"glbctl export > manifest.json", "glbctl export | jq .targetGroups"}, [&context] {
                    // A manifest is JSON in either output; for people it is indented.
                    return ask(context, "/v1/manifest", {}, [](const json &manifest) {
                        return manifest.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
                    });
                });
}

} // namespace glb::cli
