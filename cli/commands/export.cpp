// glbctl export: the active manifest.
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "controller/config/exporter.h"
#include "controller/config/parser.h"

namespace glb::cli {

namespace {

/// Indented, with members in the order of the reference.
Result<std::string> format_manifest(const nlohmann::json &document) {
    if (const auto manifest = config::parse_manifest(documents::serialize(document)))
        return config::export_manifest(*manifest).dump(2) + '\n';
    // The daemon has another version.
    return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

} // namespace

void add_export(CLI::App &app, Context &context) {
    add_command(app, context, "export", "Print the active manifest, as JSON",
                {"glbctl export > manifest.json", "glbctl export | jq .targetGroups"},
                [&context] { return get(context, "/v1/manifest", {}, format_manifest); });
}

} // namespace glb::cli
