// glbctl bypass: forwards the packets of an endpoint uninspected, for a time or until it is switched off.
#include <charconv>
#include <chrono>
#include <memory>

#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/format.h"
#include "controller/documents/overrides.h"
#include "lib/http/uri.h"

namespace glb::cli {

namespace {

struct BypassOptions {
    std::string endpoint;
    std::uint64_t seconds = 0; ///< 0: without end
    bool off = false;
};

constexpr std::uint64_t most_seconds = std::chrono::seconds(std::chrono::days(30)).count();

/// "90s", "10m", "2h", "1d", or seconds without a unit. None if it is neither, or beyond 30 days.
std::optional<std::uint64_t> parse_duration(const std::string &text) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string unit(stop, text.data() + text.size());
    const std::uint64_t factor = unit.empty() || unit == "s" ? 1u
                                 : unit == "m"               ? 60u
                                 : unit == "h"               ? 3600u
                                 : unit == "d"               ? 86400u
                                                             : 0u;
    if (error != std::errc{} || factor == 0 || number == 0 || number > most_seconds / factor)
        return std::nullopt;
    return number * factor;
}

std::string format_bypass(const documents::Bypass &bypass, const BypassOptions &options, bool colour) {
    if (!bypass.bypassed)
        return sanitize(options.endpoint + " is inspected") + '\n';
    const auto text =
        bypass.why == "onAllUnhealthy"
            ? fmt::format("{} is still BYPASSED: {} has no healthy target, and its onAllUnhealthy is bypass; "
                          "inspection resumes with the first healthy target or another policy",
                          options.endpoint, bypass.target_group)
            : fmt::format("{} is BYPASSED: packets are forwarded uninspected {}", options.endpoint,
                          options.seconds ? "for " + format_duration(options.seconds)
                                          : fmt::format("until glbctl bypass {} --off", options.endpoint));
    return colorize(sanitize(text), Style::bad, colour) + '\n';
}

int run_bypass(const Context &context, const BypassOptions &options) {
    auto query = flag_query("off", options.off);
    if (options.seconds)
        query.emplace_back("seconds", std::to_string(options.seconds));
    return post(context, fmt::format("/v1/endpoints/{}/bypass", percent_encode(options.endpoint)), query,
                formatter<documents::Bypass>(
                    [&](const auto &bypass) { return format_bypass(bypass, options, context.colour); }));
}

} // namespace

void add_bypass(CLI::App &app, Context &context) {
    const auto options = std::make_shared<BypassOptions>();
    auto *command = add_command(app, context, "bypass", "Forward the packets of an endpoint uninspected",
                                {"glbctl bypass branch --for 10m", "glbctl bypass branch --off"},
                                [&context, options] { return run_bypass(context, *options); });
    command->add_option("ENDPOINT", options->endpoint, "name of the endpoint")->required();
    auto *duration =
        command
            ->add_option_function<std::string>(
                "--for",
                [options](const std::string &text) { options->seconds = parse_duration(text).value_or(0); },
                "end the bypass after this time, even if the daemon is down: 90s, 10m, 2h, 1d")
            ->type_name("TIME")
            ->check([](const std::string &text) {
                return parse_duration(text) ? "" : "allowed are 1s to 30d, in s, m, h or d";
            });
    command->add_flag("--off", options->off, "end the bypass")->excludes(duration);
}

} // namespace glb::cli
