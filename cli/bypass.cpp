// glbctl bypass: forwards an endpoint uninspected, for a while or until that is ended.
#include <charconv>
#include <memory>

#include "cli/command.h"
#include "cli/render.h"
#include "controller/api/http/uri.h"

namespace glb::cli {

namespace {

using nlohmann::json;

struct Bypass {
    std::string endpoint;
    std::uint64_t seconds = 0; ///< 0: without end
    bool off = false;
};

/// "90s", "10m", "2h", "1d", or seconds without a unit. Nothing where it is none of them, or beyond 30 days.
std::optional<std::uint64_t> seconds_of(const std::string &text) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string unit(stop, text.data() + text.size());
    const std::uint64_t factor = unit.empty() || unit == "s" ? 1u
                                 : unit == "m"               ? 60u
                                 : unit == "h"               ? 3600u
                                 : unit == "d"               ? 86400u
                                                             : 0u;
    if (error != std::errc{} || factor == 0 || number == 0 || number > 30u * 86400u / factor)
        return std::nullopt;
    return number * factor;
}

std::string show_bypass(const json &document, const Bypass &bypass, bool colour) {
    if (!flag_of(document, "bypassed"))
        return sanitize(bypass.endpoint + " is inspected") + '\n';
    if (text_of(document, "why") == "onAllUnhealthy")
        return colorize(sanitize(fmt::format(
                            "{} is still BYPASSED: no target of {} is healthy, and its onAllUnhealthy is "
                            "bypass; it is inspected again when one is, or another policy is applied",
                            bypass.endpoint, text_of(document, "targetGroup"))),
                        Style::bad, colour) +
               '\n';
    return colorize(sanitize(fmt::format("{} is BYPASSED: its packets pass uninspected {}", bypass.endpoint,
                                         bypass.seconds ? "for " + duration_text(bypass.seconds)
                                                        : "until glbctl bypass --off")),
                    Style::bad, colour) +
           '\n';
}

int post(const Context &context, const Bypass &bypass) {
    auto query = flag_query("off", bypass.off);
    if (bypass.seconds)
        query.emplace_back("seconds", std::to_string(bypass.seconds));
    return post(context, fmt::format("/v1/endpoints/{}/bypass", percent_encode(bypass.endpoint)), query,
                [&](const json &document) { return show_bypass(document, bypass, context.colour); });
}

} // namespace

void add_bypass(CLI::App &app, Context &context) {
    const auto bypass = std::make_shared<Bypass>();
    auto *command = add_command(app, context, "bypass", "Forwards an endpoint's packets uninspected, now",
                                {"glbctl bypass branch --for 10m", "glbctl bypass branch --off"},
                                [&context, bypass] { return post(context, *bypass); });
    command->add_option("ENDPOINT", bypass->endpoint, "the endpoint's name")->required();
    auto *duration =
        command
            ->add_option_function<std::string>(
                "--for",
                [bypass](const std::string &text) { bypass->seconds = seconds_of(text).value_or(0); },
                "it ends by itself, without the daemon too: 90s, 10m, 2h, 1d")
            ->type_name("TIME")
            ->check([](const std::string &text) {
                return seconds_of(text) ? "" : "allowed are 1s to 30d, in s, m, h or d";
            });
    command->add_flag("--off", bypass->off, "inspect it again")->excludes(duration);
}

} // namespace glb::cli
