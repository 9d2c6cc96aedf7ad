// glbctl drain and undrain: no new flows for a target, and its old ones in peace.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <unistd.h>

#include "cli/command.h"
#include "cli/render.h"
#include "controller/api/http/uri.h"

namespace glb::cli {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds poll_interval{500};

struct Drain {
    std::string target; ///< GROUP/TARGET
    bool force = false;
    std::string wait; ///< empty: not; "ever"; or seconds
};

/// "/v1/targets/GROUP/TARGET/VERB", or nothing where it is not GROUP/TARGET.
std::optional<std::string> path_of(const std::string &target, const std::string &verb) {
    const auto slash = target.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == target.size() ||
        target.find('/', slash + 1) != std::string::npos) {
        print_error(fmt::format("{}: a target is named GROUP/TARGET", target));
        return std::nullopt;
    }
    return fmt::format("/v1/targets/{}/{}/{}", percent_encode(target.substr(0, slash)),
                       percent_encode(target.substr(slash + 1)), verb);
}

/// The daemon's word on `target` now.
struct TargetPoll {
    Reply answer;
    std::uint64_t flows = 0; ///< of one that has left, too
    bool is_drained = true;
};

TargetPoll look_at(const Context &context, const std::string &target) {
    const auto slash = target.find('/');
    TargetPoll look{
        try_request(context, "GET", with_query("/v1/targets", {{"group", target.substr(0, slash)}}))};
    for (const auto &row : array_of(look.answer.document, "targets"))
        if (text_of(row, "id") == target.substr(slash + 1)) {
            look.flows = row.value("activeFlows", std::uint64_t{0});
            look.is_drained = flag_of(row, "drainedByOperator") || text_of(row, "state") == "draining";
        }
    return look;
}

/// One line that is written over on a terminal, else a line for each change.
class Progress {
  public:
    void show(std::uint64_t flows) {
        if (flows == last_)
            return;
        last_ = flows;
        std::fprintf(stderr, terminal_ ? "\r\033[K%llu flows left" : "%llu flows left\n",
                     static_cast<unsigned long long>(flows));
        std::fflush(stderr);
    }
    void end() {
        if (terminal_ && last_ != nothing)
            std::fputs("\r\033[K", stderr);
        last_ = nothing;
    }

  private:
    bool terminal_ = ::isatty(STDERR_FILENO) == 1;
    static constexpr std::uint64_t nothing = ~std::uint64_t{0};
    std::uint64_t last_ = nothing;
};

/// A daemon that is restarted keeps the drain, so its absence is borne for a while, and told.
class ReconnectTimer {
  public:
    /// True where the wait is over: the daemon is not expected to come back.
    bool note(const Reply &answer) {
        const bool lasted = std::exchange(lasts_, answer.exit == exit_no_daemon);
        if (lasted && !lasts_)
            print_error("the daemon answers again");
        if (!lasted && lasts_) {
            print_error(answer.failure + "; waiting for it to come back");
            since_ = Clock::now();
        }
        return lasts_ && Clock::now() - since_ >= patience;
    }
    [[nodiscard]] bool lasts() const { return lasts_; }

  private:
    static constexpr std::chrono::seconds patience{60};
    bool lasts_ = false;
    Clock::time_point since_{};
};

/// What the wait has come to; nothing: it goes on.
std::optional<int> outcome_of(const TargetPoll &look, const Drain &drain, bool is_late) {
    if (look.answer.exit == exit_no_daemon)
        return is_late ? std::optional<int>(exit_no_daemon) : std::nullopt;
    if (look.answer.exit != exit_done) {
        look.answer.failure.empty() ? print_error(problems_of(look.answer.document))
                                    : print_error(look.answer.failure);
        return look.answer.exit;
    }
    if (look.flows == 0 && look.is_drained)
        return exit_done;
    if (!look.is_drained)
        print_error(
            fmt::format("{} is drained no longer: somebody ended that, and it takes new flows; it has {}",
                        drain.target, look.flows));
    else if (is_late)
        print_error(fmt::format("{} still has {} flows; it stays drained", drain.target, look.flows));
    return is_late || !look.is_drained ? std::optional<int>(exit_refused) : std::nullopt;
}

int wait_until_empty(const Context &context, const Drain &drain) {
    const auto end = drain.wait == "ever" ? Clock::time_point::max()
                                          : Clock::now() + std::chrono::seconds(std::stoul(drain.wait));
    Progress progress;
    ReconnectTimer absence;
    for (;; std::this_thread::sleep_for(poll_interval)) {
        const auto look = look_at(context, drain.target);
        if (look.answer.exit != exit_done)
            progress.end();
        const bool is_given_up = absence.note(look.answer);
        const bool is_late = is_given_up || Clock::now() >= end;
        if (look.answer.exit == exit_done && look.flows != 0 && look.is_drained && !is_late)
            progress.show(look.flows);
        else
            progress.end();
        if (const auto exit = outcome_of(look, drain, is_late)) {
            if (absence.lasts())
                print_error(
                    fmt::format("{}: the daemon did not come back, and how many flows are left is not known",
                                drain.target));
            return *exit;
        }
    }
}

std::string show_drain(const json &document, const std::string &target) {
    return sanitize(flag_of(document, "drainedByOperator")
                        ? fmt::format("{} is drained: {} flows left, for at most {}", target,
                                      count_of(document, "activeFlows"), duration_of(document, "secondsLeft"))
                        : target + " takes new flows as its health allows") +
           '\n';
}

int post(const Context &context, const Drain &drain, const std::string &verb) {
    const auto path = path_of(drain.target, verb);
    if (!path)
        return exit_usage;
    const int exit = post(context, *path, flag_query("force", drain.force),
                          [&](const json &document) { return show_drain(document, drain.target); });
    if (exit != exit_done || drain.wait.empty())
        return exit;
    std::fflush(stdout);
    return wait_until_empty(context, drain);
}

/// "ever", or seconds.
std::string check_wait(const std::string &text) {
    const bool digits =
        !text.empty() && text.size() < 8 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits || text == "ever" ? "" : "--wait=SECONDS takes a number of seconds";
}

} // namespace

void add_drain_commands(CLI::App &app, Context &context) {
    const auto draining = std::make_shared<Drain>();
    auto *drain =
        add_command(app, context, "drain", "No new flows for a target; those it has end in their own time",
                    {"glbctl drain firewalls/fw-1", "glbctl drain --wait=600 firewalls/fw-1"},
                    [&context, draining] { return post(context, *draining, "drain"); });
    drain->add_option("TARGET", draining->target, "the target, as GROUP/TARGET")->required();
    drain->add_flag("--force", draining->force, "the last target of its group, too");
    drain
        ->add_flag("--wait{ever}", draining->wait,
                   "return when it has no flow left; --wait=SECONDS: fail when it has some by then")
        ->check(check_wait);

    const auto undraining = std::make_shared<Drain>();
    auto *undrain =
        add_command(app, context, "undrain", "Ends what drain began", {"glbctl undrain firewalls/fw-1"},
                    [&context, undraining] { return post(context, *undraining, "undrain"); });
    undrain->add_option("TARGET", undraining->target, "the target, as GROUP/TARGET")->required();
}

} // namespace glb::cli
