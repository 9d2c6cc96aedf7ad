// The commands of glbctl, in the order of the help. Each add_...() is in the file of its command.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/context.h"

namespace glb::cli {

void add_check(CLI::App &app, Context &context);
void add_apply(CLI::App &app, Context &context);
void add_diff(CLI::App &app, Context &context);
void add_export(CLI::App &app, Context &context);
void add_confirm(CLI::App &app, Context &context);
void add_history(CLI::App &app, Context &context);
void add_rollback(CLI::App &app, Context &context);
void add_status(CLI::App &app, Context &context);
void add_endpoints(CLI::App &app, Context &context);
void add_targets(CLI::App &app, Context &context);
void add_flows(CLI::App &app, Context &context);
void add_drops(CLI::App &app, Context &context);
void add_counters(CLI::App &app, Context &context);
void add_drain(CLI::App &app, Context &context);
void add_undrain(CLI::App &app, Context &context);
void add_bypass(CLI::App &app, Context &context);
void add_guard(CLI::App &app, Context &context);
void add_gc(CLI::App &app, Context &context);
void add_down(CLI::App &app, Context &context);

inline void add_commands(CLI::App &app, Context &context) {
    for (auto *add : {add_check, add_apply, add_diff, add_export, add_confirm, add_history, add_rollback,
                      add_status, add_endpoints, add_targets, add_flows, add_drops, add_counters, add_drain,
                      add_undrain, add_bypass, add_guard, add_gc, add_down})
        add(app, context);
}

/// Reserved names, which only report "not yet supported". The help omits them.
void add_planned_commands(CLI::App &app, Context &context);

} // namespace glb::cli
