// glbctl drain: no new flows for a target; those that it has end by themselves.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/commands/drain_request.h"
#include "cli/format.h"
#include "cli/output.h"
#include "controller/documents/targets.h"
#include "lib/http/uri.h"

namespace glb::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds poll_interval{500};

struct DrainOptions {
    std::string target; ///< GROUP/TARGET
    bool force = false;
    std::string wait; ///< empty: no; "true": without a limit; or seconds
};

/// The state of the target at one moment.
struct TargetPoll {
    Reply reply;
    std::uint64_t flows = 0; ///< 0 if the target has been removed
    bool is_drained = true;
};

TargetPoll poll_target(const Context &context, const std::string &target) {
    const auto slash = target.find('/');
    TargetPoll poll{
        try_request(context, "GET", with_query("/v1/targets", {{"group", target.substr(0, slash)}}))};
    if (poll.reply.exit != exit_done)
        return poll;
    const auto document = documents::from_json<documents::TargetList>(poll.reply.document);
    if (!document) {
        poll.reply.exit = exit_refused;
        poll.reply.failure = "unexpected response: " + document.error().message;
        return poll;
    }
    for (const auto &row : document->targets)
        if (row.id == target.substr(slash + 1)) {
            poll.flows = row.active_flows;
            poll.is_drained = row.drained_by_operator || row.state == "draining";
            break; // rows behind it had this id before
        }
    return poll;
}

/// One line that is overwritten on a terminal, else a line per change.
class Progress {
  public:
    void show(std::uint64_t flows) {
        auto text = format_count(flows, "flow") + " left";
        if (text == last_)
            return;
        last_ = std::move(text);
        std::fputs((terminal_ ? "\r\033[K" + last_ : last_ + '\n').c_str(), stderr);
        std::fflush(stderr);
    }
    void end() {
        if (terminal_ && !last_.empty())
            std::fputs("\r\033[K", stderr);
        last_.clear();
    }

  private:
    bool terminal_ = ::isatty(STDERR_FILENO) == 1;
    std::string last_;
};

/// Tolerates the absence of the daemon for a limited time, and reports it: a drain survives a restart.
class ReconnectTimer {
  public:
    /// True if the time is over.
    bool update(const Reply &reply) {
        const bool was_absent = std::exchange(absent_, reply.exit == exit_no_daemon);
        if (was_absent && !absent_)
            print_error("the daemon answers again");
        if (!was_absent && absent_) {
            print_error(reply.failure + "; waiting for the daemon");
            since_ = Clock::now();
        }
        return absent_ && Clock::now() - since_ >= limit;
    }
    [[nodiscard]] bool is_absent() const { return absent_; }

  private:
    static constexpr std::chrono::seconds limit{60};
    bool absent_ = false;
    Clock::time_point since_{};
};

/// The exit status if the wait is over; none: it continues.
std::optional<int> outcome_of(const TargetPoll &poll, const DrainOptions &options, bool is_late) {
    if (poll.reply.exit == exit_no_daemon)
        return is_late ? std::optional<int>(exit_no_daemon) : std::nullopt;
    if (poll.reply.exit != exit_done) {
        poll.reply.failure.empty() ? print_errors(errors_of(poll.reply.document))
                                   : print_error(poll.reply.failure);
        return poll.reply.exit;
    }
    if (poll.flows == 0 && poll.is_drained)
        return exit_done;
    if (!poll.is_drained)
        print_error(fmt::format("drain of {} was cancelled elsewhere; {} {}", options.target,
                                format_count(poll.flows, "flow"), poll.flows == 1 ? "remains" : "remain"));
    else if (is_late)
        print_error(fmt::format("{} still has {}; it stays drained", options.target,
                                format_count(poll.flows, "flow")));
    return is_late || !poll.is_drained ? std::optional<int>(exit_refused) : std::nullopt;
}

int wait_until_empty(const Context &context, const DrainOptions &options) {
    const auto end = options.wait == "true" ? Clock::time_point::max()
                                            : Clock::now() + std::chrono::seconds(std::stoul(options.wait));
    Progress progress;
    ReconnectTimer absence;
    for (;; std::this_thread::sleep_for(poll_interval)) {
        const auto poll = poll_target(context, options.target);
        if (poll.reply.exit != exit_done)
            progress.end();
        const bool is_given_up = absence.update(poll.reply);
        const bool is_late = is_given_up || Clock::now() >= end;
        if (poll.reply.exit == exit_done && poll.flows != 0 && poll.is_drained && !is_late)
            progress.show(poll.flows);
        else
            progress.end();
        if (const auto exit = outcome_of(poll, options, is_late)) {
            if (absence.is_absent())
                print_error(
                    fmt::format("{}: the daemon did not return; the number of remaining flows is unknown",
                                options.target));
            return *exit;
        }
    }
}

int run_drain(const Context &context, const DrainOptions &options) {
    const int exit = post_drain(context, options.target, "drain", options.force);
    if (exit != exit_done || options.wait.empty())
        return exit;
    std::fflush(stdout);
    return wait_until_empty(context, options);
}

/// "true" (no value was given), or seconds.
std::string check_wait(const std::string &text) {
    const bool digits =
        !text.empty() && text.size() < 8 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits || text == "true" ? "" : "--wait=SECONDS requires a number of seconds";
}

} // namespace

void add_drain(CLI::App &app, Context &context) {
    const auto options = std::make_shared<DrainOptions>();
    auto *command =
        add_command(app, context, "drain",
                    "Send a target no new flows until it is undrained; after deregistrationDelaySeconds, "
                    "onTargetFailure.deregistered applies to the remaining ones",
                    {"glbctl drain firewalls/fw-1", "glbctl drain --wait=600 firewalls/fw-1"},
                    [&context, options] { return run_drain(context, *options); });
    command->add_option("TARGET", options->target, "the target, as GROUP/TARGET")->required();
    command->add_flag("--force", options->force, "allow draining the last available target");
    command
        ->add_flag("--wait", options->wait,
                   "return when the target has no flows; --wait=SECONDS: fail if it still has any by then")
        ->check(check_wait);
}

} // namespace glb::cli
