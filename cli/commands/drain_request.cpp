#include "cli/commands/drain_request.h"

#include "cli/client.h"
#include "cli/format.h"
#include "cli/output.h"
#include "controller/documents/overrides.h"
#include "lib/http/uri.h"

namespace glb::cli {

namespace {

std::string format_drain(const documents::Drain &drain, const std::string &target) {
    if (!drain.drained_by_operator)
        return sanitize(target + " undrained") + '\n';
    auto text = fmt::format("{} is draining: {} left", target, format_count(drain.active_flows, "flow"));
    if (drain.seconds_left)
        text += fmt::format("; the deregistration delay ends in {}", format_duration(*drain.seconds_left));
    return sanitize(text) + '\n';
}

} // namespace

int post_drain(const Context &context, const std::string &target, const std::string &verb, bool force) {
    const auto slash = target.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == target.size() ||
        target.find('/', slash + 1) != std::string::npos) {
        print_error(fmt::format("{}: a target is named GROUP/TARGET", target));
        return exit_usage;
    }
    const auto path = fmt::format("/v1/targets/{}/{}/{}", percent_encode(target.substr(0, slash)),
                                  percent_encode(target.substr(slash + 1)), verb);
    return post(context, path, flag_query("force", force),
                formatter<documents::Drain>([&](const auto &drain) { return format_drain(drain, target); }));
}

} // namespace glb::cli
