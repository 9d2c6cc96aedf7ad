// What apply, diff and rollback have in common: the request, and the changes in its response.
#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/client.h"
#include "cli/context.h"

namespace glb::cli {

struct ChangeOptions {
    bool dry_run = false;
    bool only_diff = false;            ///< a dry run whose result is not called one
    std::uint32_t confirm_seconds = 0; ///< 0: no confirmation is required
    bool confirm_pending = false;
};

/// Adds --dry-run, --confirm and --confirm-pending, which write to `options`.
void add_change_options(CLI::App &command, ChangeOptions &options);

[[nodiscard]] Query query_of(const ChangeOptions &options);

/// Sends a manifest, read from `file`, and prints the result. Returns the exit status.
int send_manifest(const Context &context, const std::string &file, const ChangeOptions &options);

/// Prints the result of an apply or a rollback. `input` names the manifest in error messages. Returns the
/// exit status.
int show_changes(const Context &context, const Reply &reply, const ChangeOptions &options,
                 const std::string &input);

} // namespace glb::cli
