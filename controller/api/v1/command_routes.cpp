#include "controller/api/v1/command_routes.h"

#include <array>

#include "controller/api/v1/parameters.h"
#include "controller/api/v1/responses.h"

namespace glb::api {

namespace {

constexpr std::uint32_t most_confirm_seconds = 86400;
constexpr std::uint32_t most_bypass_seconds = 30 * 86400;
constexpr std::uint32_t most_back = 1000;

template <typename T>
control::NodeCommands::Done<T> respond_when_done(const CommandRequest &call) {
    return [respond = call.respond](const Result<T> &result) { respond(respond_with(result)); };
}

control::NodeCommands::Done<control::ApplyResult> respond_to_apply(const CommandRequest &call) {
    return [respond = call.respond](const Result<control::ApplyResult> &result) {
        respond(result && !result->errors.empty() ? error_response(422, result->errors)
                                                  : respond_with(result));
    };
}

/// Reads dryRun, confirm and confirmPending, the parameters of both apply and rollback.
Result<control::ApplyOptions, HttpResponse> apply_options(const Parameters &parameters,
                                                          const CommandRequest &call) {
    control::ApplyOptions options;
    GLB_ASSIGN(options.dry_run, flag_parameter(parameters, "dryRun"));
    GLB_ASSIGN(const auto seconds, number_parameter(parameters, "confirm", most_confirm_seconds));
    if (seconds)
        options.confirm_within = std::chrono::seconds(*seconds);
    GLB_ASSIGN(options.confirm_pending, flag_parameter(parameters, "confirmPending"));
    options.peer = call.request.peer;
    return options;
}

/// Runs the command, or responds with what is wrong with the request.
Result<void, HttpResponse> post_manifest(const CommandRequest &call) {
    GLB_ASSIGN(const auto parameters,
               read_parameters(call.target.query, {"dryRun", "confirm", "confirmPending"}));
    GLB_ASSIGN(const auto options, apply_options(parameters, call));
    call.commands.apply(call.request.body, options, respond_to_apply(call));
    return {};
}

Result<void, HttpResponse> post_rollback(const CommandRequest &call) {
    GLB_ASSIGN(const auto parameters,
               read_parameters(call.target.query, {"back", "dryRun", "confirm", "confirmPending"}));
    GLB_ASSIGN(const auto back, number_parameter(parameters, "back", most_back));
    GLB_ASSIGN(const auto options, apply_options(parameters, call));
    call.commands.rollback(back.value_or(1), options, respond_to_apply(call));
    return {};
}

Result<void, HttpResponse> post_confirm(const CommandRequest &call) {
    call.commands.confirm(call.request.peer, [respond = call.respond](const Status &done) {
        respond(done ? ok(documents::Confirm{true}) : error_response(done.error()));
    });
    return {};
}

Result<void, HttpResponse> post_drain(const CommandRequest &call) {
    GLB_ASSIGN(const auto parameters, read_parameters(call.target.query, {"force"}));
    GLB_ASSIGN(const bool force, flag_parameter(parameters, "force"));
    const auto &path = call.target.segments; // v1 targets GROUP TARGET drain|undrain
    call.commands.drain({path[2], path[3], path[4] == "drain", force, call.request.peer},
                        respond_when_done<documents::Drain>(call));
    return {};
}

Result<void, HttpResponse> post_bypass(const CommandRequest &call) {
    GLB_ASSIGN(const auto parameters, read_parameters(call.target.query, {"seconds", "off"}));
    GLB_ASSIGN(const bool off, flag_parameter(parameters, "off"));
    GLB_ASSIGN(const auto seconds, number_parameter(parameters, "seconds", most_bypass_seconds));
    if (off && seconds)
        return tl::unexpected(parameter_error("seconds", "cannot be combined with off"));
    control::BypassRequest bypass{call.target.segments[2], off, {}, call.request.peer};
    if (seconds)
        bypass.duration = std::chrono::seconds(*seconds);
    call.commands.bypass(bypass, respond_when_done<documents::Bypass>(call));
    return {};
}

Result<void, HttpResponse> post_down(const CommandRequest &call) {
    GLB_ASSIGN(const auto parameters, read_parameters(call.target.query, {"keepGuard"}));
    GLB_ASSIGN(const bool keep_guard, flag_parameter(parameters, "keepGuard"));
    call.commands.down({keep_guard, call.request.peer}, respond_when_done<documents::Down>(call));
    return {};
}

Result<void, HttpResponse> post_gc(const CommandRequest &call) {
    GLB_ASSIGN(const auto parameters, read_parameters(call.target.query, {"dryRun"}));
    GLB_ASSIGN(const bool dry_run, flag_parameter(parameters, "dryRun"));
    call.commands.collect_garbage(dry_run, call.request.peer,
                                  respond_when_done<documents::GarbageCollection>(call));
    return {};
}

Result<void, HttpResponse> post_explain(const CommandRequest &) {
    return tl::unexpected(error_response(501, "not yet supported"));
}

template <auto post>
void serve(const CommandRequest &call) {
    if (const auto accepted = post(call); !accepted)
        call.respond(accepted.error());
}

constexpr std::array command_table{
    CommandRoute{"/v1/manifest", serve<post_manifest>},
    CommandRoute{"/v1/down", serve<post_down>},
    CommandRoute{"/v1/gc", serve<post_gc>},
    CommandRoute{"/v1/confirm", serve<post_confirm>},
    CommandRoute{"/v1/rollback", serve<post_rollback>},
    CommandRoute{"/v1/targets/*/*/drain", serve<post_drain>},
    CommandRoute{"/v1/targets/*/*/undrain", serve<post_drain>},
    CommandRoute{"/v1/endpoints/*/bypass", serve<post_bypass>},
    CommandRoute{"/v1/explain", serve<post_explain>},
};

} // namespace

std::span<const CommandRoute> command_routes() {
    return command_table;
}

} // namespace glb::api
