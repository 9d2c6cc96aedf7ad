// ControlLoop: the thread that owns the node's state. Commands, timers and events reach it through its event
// loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/control/commands.h"
#include "controller/control/control_roles.h"
#include "controller/control/unanswered_detector.h"
#include "controller/health/health_event.h"
#include "controller/util/published.h"

namespace glb::control {

class ControlLoop final : public NodeCommands {
  public:
    explicit ControlLoop(const Ports &ports);
    ~ControlLoop() override { stop(); }

    /// Makes the stored manifest active, else `first_manifest`. Runs on the caller's thread, with its
    /// privileges, and changes the kernel.
    [[nodiscard]] Status start(const std::optional<ManifestFile> &first_manifest);
    /// After start(): continues on a thread of its own, with the caller's privileges.
    void run();
    /// Ends the thread after the current step. Traffic continues.
    void stop();

    /// Any thread.
    [[nodiscard]] const Published<observe::NodeSnapshot> &snapshots() const { return published_; }
    void on_health_event(health::HealthEvent event);

    // NodeCommands
    void apply(std::string manifest_text, ApplyOptions options, Done<ApplyResult> done) override;
    void rollback(unsigned back, ApplyOptions options, Done<ApplyResult> done) override;
    void confirm(PeerCredentials peer, Done<void> done) override;
    void drain(DrainRequest request, Done<documents::Drain> done) override;
    void bypass(BypassRequest request, Done<documents::Bypass> done) override;
    void down(DownOptions options, Done<documents::Down> done) override;
    void collect_garbage(bool dry_run, PeerCredentials peer,
                         Done<documents::GarbageCollection> done) override;

  private:
    template <typename T, typename Command>
    void execute(Command command, Done<T> done);
    void spawn(Task<void> task);

    [[nodiscard]] Task<void> tick_regularly();
    [[nodiscard]] Task<void> tick();
    [[nodiscard]] Task<void> watch_targets();
    [[nodiscard]] Task<void> watch_network();
    [[nodiscard]] Task<void> watch_guard();
    void request_refresh(std::chrono::milliseconds delay);
    [[nodiscard]] Task<void> refresh(std::chrono::milliseconds delay);
    [[nodiscard]] Task<void> remove_targets(health::TargetsRemoved removed);
    void handle(const health::HealthEvent &event);
    void handle_missing_metadata(unsigned ifindex);
    void log_interface_changes();
    void report_to_health();
    void persist_health(const health::HealthSnapshot &live);
    void publish();

    boost::asio::io_context context_{1};
    Ports ports_;
    NodeState state_;
    ControlRoles roles_;
    Published<observe::NodeSnapshot> published_;
    boost::asio::steady_timer tick_timer_, watch_timer_, guard_timer_;
    boost::asio::posix::stream_descriptor network_changes_, guard_events_;
    UnansweredDetector unanswered_;
    bool refresh_pending_ = false;
    std::thread thread_;
};

} // namespace glb::control
