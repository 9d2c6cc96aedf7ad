// glbctl guard, gc and down: what keeps traffic from passing uninspected, what an older version left, and how
// all of it is taken away.
#include <memory>

#include "cli/command.h"
#include "cli/render.h"

namespace glb::cli {

namespace {

using nlohmann::json;

std::string counted(const std::string &count, const char *noun) {
    return fmt::format("{} {}{}", count, noun, count == "1" ? "" : "s");
}

std::string show_guard(const json &guard, bool colour) {
    const bool installed = flag_of(guard, "installed");
    const auto &stopped = object_of(guard, "uninspected");
    auto out =
        colorize(installed ? "installed" : "NOT INSTALLED", installed ? Style::good : Style::bad, colour);
    out += fmt::format("; stopped {}, {}; put back {}\n", counted(count_of(stopped, "packets"), "packet"),
                       bytes_of(stopped, "bytes"), counted(count_of(guard, "restored"), "time"));

    Table table({{"INTERFACE"}, {"VLAN"}, {"ENDPOINT"}, {"WHEN DETACHED"}, {"GUARDED"}, {"PUNT"}});
    const auto mark = [](bool good) { return Cell(good ? "yes" : "NO", good ? Style::good : Style::bad); };
    for (const auto &row : array_of(guard, "interfaces"))
        table.add({text_of(row, "name"), text_of(row, "vlan"), text_of(row, "endpoint"),
                   text_of(row, "whenDetached"), mark(flag_of(row, "guarded")), mark(flag_of(row, "punt"))});
    return table.empty() ? out : out + '\n' + table.text(colour);
}

std::string show_leftovers(const json &document, bool colour) {
    Table table({{flag_of(document, "removed") ? "REMOVED" : "WOULD BE REMOVED"}, {"PIN"}});
    for (const auto &row : array_of(document, "leftovers"))
        table.add({text_of(row, "kind"), text_of(row, "pin")});
    return table.empty() ? "an older version has left nothing\n" : table.text(colour);
}

struct Down {
    bool yes = false;
    bool keep_guard = false;
};

int take_down(const Context &context, const Down &down) {
    if (!down.yes) {
        print_error("down takes the data path away, and traffic stops or passes uninspected; say --yes");
        return exit_usage;
    }
    return post(context, "/v1/down", flag_query("keepGuard", down.keep_guard), [&](const json &document) {
        return flag_of(document, "guardKept") ? "down; the guard stays and lets nothing pass\n"
               : down.keep_guard              ? "down; there is no guard that could stay\n"
                                              : "down\n";
    });
}

} // namespace

void add_guard_commands(CLI::App &app, Context &context) {
    add_command(app, context, "guard", "What the guard holds and has stopped",
                {"glbctl guard", "glbctl -o json guard | jq .uninspected.packets"}, [&context] {
                    return get(context, "/v1/guard", {},
                               [&](const json &guard) { return show_guard(guard, context.colour); });
                });

    const auto dry_run = std::make_shared<bool>(false);
    auto *gc = add_command(
        app, context, "gc", "Removes what an older version left, and nothing else",
        {"glbctl gc --dry-run", "glbctl gc"}, [&context, dry_run] {
            return post(context, "/v1/gc", flag_query("dryRun", *dry_run),
                        [&](const json &document) { return show_leftovers(document, context.colour); });
        });
    gc->add_flag("--dry-run", *dry_run, "say what would go, and leave it");

    const auto options = std::make_shared<Down>();
    auto *command =
        add_command(app, context, "down", "Takes programs, pins, rules and guard away, in that order",
                    {"glbctl down --yes", "glbctl down --yes --keep-guard"},
                    [&context, options] { return take_down(context, *options); });
    command->add_flag("--yes", options->yes, "it is meant; without it nothing is done");
    command->add_flag("--keep-guard", options->keep_guard,
                      "leave the guard, so that nothing passes uninspected");
}

} // namespace glb::cli
