// LocalNode: one machine's gateway load balancer. Holds the manifest in force and keeps guard, data path,
// health and the kernel's view of the network in step with it.
#pragma once

#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/api/node_api.h"
#include "controller/config/manifest.h"
#include "controller/control/bypasses.h"
#include "controller/control/confirmation.h"
#include "controller/control/interface_condition_log.h"
#include "controller/control/manifest_file.h"
#include "controller/control/warning_log.h"
#include "controller/datapath/attachments.h"
#include "controller/datapath/metadata.h"
#include "controller/datapath/redirect_tracepoints.h"
#include "controller/datapath/roles.h"
#include "controller/guard/guard.h"
#include "controller/health/health_engine.h"
#include "controller/health/health_thread.h"
#include "controller/network/monitor.h"
#include "controller/network/path_resolver.h"
#include "controller/node/installed_state.h"
#include "controller/node/resize_job.h"
#include "controller/node/unanswered_detector.h"
#include "controller/observe/flow_list.h"
#include "controller/plan/bank_plan.h"
#include "controller/plan/egress_plan.h"
#include "controller/plan/guard_plan.h"
#include "controller/plan/hash_key.h"
#include "controller/state/history.h"
#include "controller/state/store.h"

namespace glb {

struct NodeSettings {
    std::filesystem::path state_dir;
    std::filesystem::path bpffs;
    std::string version;
};

/// All calls on the loop's thread, in the network namespace in which the node lives. Target health belongs to
/// the health engine, on a thread of its own; the two share no state.
class LocalNode final : public NodeApi {
  public:
    /// Takes the state folder's lock. Touches nothing of the kernel's.
    [[nodiscard]] static Result<std::unique_ptr<LocalNode>> open(boost::asio::io_context &loop,
                                                                 NodeSettings settings);
    ~LocalNode() override { health_.stop(); }

    /// Begins to serve: the manifest last applied, else `first_manifest`; with neither the node idles. What
    /// an earlier daemon left in the kernel is taken over as it is.
    [[nodiscard]] Status start(const std::optional<ManifestFile> &first_manifest);

    [[nodiscard]] bool is_ready() const { return not_ready_reason().empty(); }
    /// What keeps the node from being ready, in a line; empty: nothing.
    [[nodiscard]] std::string not_ready_reason() const;

    /// From now on the targets are watched, by a thread with this one's privileges.
    void start_health_thread() { health_.start(); }

    /// Stops timers and descriptors; traffic goes on.
    void stop();

    Result<documents::NodeStatus> status() override;
    Result<documents::TargetList> targets(const std::optional<std::string> &group) override;
    Result<documents::EndpointList> endpoints() override;
    Result<ChunkSource> flows(const FlowQuery &filter) override;
    Result<documents::DropList> drops() override;
    Result<documents::CounterList> counters() override;
    Result<documents::Guard> guard() override;
    Result<nlohmann::json> manifest() override;
    Result<ApplyResult> apply(const std::string &manifest_text, const ApplyOptions &options) override;
    Result<documents::History> history() override;
    Result<ApplyResult> rollback(unsigned back, const ApplyOptions &options) override;
    Status confirm(const PeerCredentials &peer) override;
    Result<documents::Drain> drain(const DrainRequest &order) override;
    Result<documents::Bypass> bypass(const BypassRequest &order) override;
    Result<documents::Down> down(const DownOptions &options) override;
    Result<documents::GarbageCollection> collect_garbage(bool dry_run, const PeerCredentials &peer) override;
    MetricsSnapshot metrics() override;

  private:
    using Clock = std::chrono::steady_clock;

    LocalNode(boost::asio::io_context &loop, NodeSettings settings, StateStore store);

    // node.cpp: life
    [[nodiscard]] Status open_kernel();
    [[nodiscard]] Status lock_pins();
    void watch_network();
    void schedule_tick();
    void on_tick();
    void schedule_look();
    void check_unanswered_targets();
    void on_network_change();
    void refresh();
    void run_census();
    void release_indexes(const FlowStats &count);
    [[nodiscard]] Status check_guard();
    [[nodiscard]] Status ensure_guard(const GuardPlan &plan);
    void on_driver_lacks_metadata(unsigned ifindex);

    // node_health.cpp
    void on_node_loop(std::function<void()> task);
    void detach_health();
    void attach_health();
    [[nodiscard]] std::shared_ptr<const HealthSnapshot> health() const;
    [[nodiscard]] Status stage_health(const Manifest &manifest);
    [[nodiscard]] Status commit_health();
    void abort_health();
    void on_health_event(const HealthEvent &event);
    void on_targets_removed(const TargetsRemoved &removed);
    void persist_health();
    [[nodiscard]] Status persist_drains();

    // node_apply.cpp: change
    [[nodiscard]] Status activate(const Manifest &manifest, const std::string &text, bool differs,
                                  const std::optional<Confirmation> &confirmation);
    [[nodiscard]] std::optional<Confirmation> confirmation_for(const std::string &text,
                                                               const ApplyOptions &options) const;
    void roll_back();
    [[nodiscard]] Status persist_hash_seed();
    [[nodiscard]] Status take_down(bool keep_guard);
    void release_program();

    // node_orders.cpp: what an operator orders beside the manifest
    void load_overrides();
    void append_history(const std::string &by, const PeerCredentials &peer, const std::string &file = {});
    void expire_overrides();
    [[nodiscard]] Status set_confirmation(std::optional<Confirmation> confirmation);
    [[nodiscard]] Status revert();
    [[nodiscard]] std::optional<std::string> bypass_reason(const Endpoint &endpoint) const;

    // reconcile.cpp: the steps, each of which may be repeated
    [[nodiscard]] Status refresh_network_snapshot();
    [[nodiscard]] Status reconcile(const Manifest &manifest, bool new_epoch,
                                   const std::function<Status()> &commit);
    [[nodiscard]] Status write_config(const Manifest &manifest, bool new_epoch,
                                      const std::function<Status()> &commit);
    const ComputedTable &compute_table(const TargetGroup &group, std::uint16_t index);
    [[nodiscard]] Status build_tables(const Manifest &manifest);
    [[nodiscard]] Status write_endpoint_words(const Manifest &manifest);
    [[nodiscard]] Status write_bank(const Manifest &manifest, bool new_epoch);
    [[nodiscard]] Status detach_others(const Manifest &manifest);
    void release_unused_maglev_tables();
    // take_over.cpp
    [[nodiscard]] Status prepare_program(const Manifest &manifest);
    [[nodiscard]] Status load_program(const Manifest &manifest);
    [[nodiscard]] Status load_fresh(const Manifest &manifest);
    [[nodiscard]] Status load_kept(const datapath::PinSet &set);
    void use_program(const datapath::DatapathHandlesPtr &handles,
                     datapath::DatapathHandlesPtr *former = nullptr); ///< gets what was in its place
    [[nodiscard]] Status adopt_tables();
    [[nodiscard]] Status restore_ejections_from_maps(const Manifest &manifest);
    [[nodiscard]] Status claim_indexes(const Manifest &manifest);
    [[nodiscard]] std::vector<AdoptedTarget> adopted_targets() const;
    // move.cpp: flows from one table to another
    [[nodiscard]] Status begin_upgrade(std::uint32_t capacity);
    [[nodiscard]] Status finish_move(const Manifest &manifest);
    [[nodiscard]] Status undo_move();
    [[nodiscard]] unsigned tunnel_link(const Manifest &manifest) const;
    // resize.cpp
    void resize_stage(std::function<Status(ResizeJob &)> stage, void (LocalNode::*then)());
    [[nodiscard]] Status begin_resize(std::uint32_t capacity);
    void swap_resize();
    void catch_up_resize();
    void end_resize();
    void check_resize();
    void drop_resize();
    // interfaces.cpp
    [[nodiscard]] Status attach_all(const Manifest &manifest);
    [[nodiscard]] Status prepare_offloads(const Manifest &manifest, const std::string &interface);
    [[nodiscard]] Status restore_unneeded_offloads(const Manifest &manifest);
    void restore_offloads();
    void log_interface_changes();
    [[nodiscard]] Status write_egress();
    [[nodiscard]] Status write_next_hops();
    void refresh_used_next_hops(const FlowStats &count);

    // node_report.cpp: what is told
    [[nodiscard]] datapath::TargetTimeouts timeouts() const;
    [[nodiscard]] FlowNames flow_names() const;
    [[nodiscard]] FlowStats count() const;
    [[nodiscard]] documents::TargetStateCounts target_states() const;
    [[nodiscard]] Result<std::vector<glb_count>> all_counters() const;
    [[nodiscard]] glb_endpoint_count endpoint_count(const std::string &name) const;
    [[nodiscard]] documents::Target target_row(const TargetSnapshot &target, const FlowStats &count) const;
    [[nodiscard]] bool is_attached(const std::string &interface) const;
    [[nodiscard]] bool has_punt(const std::string &interface) const;

    boost::asio::io_context &loop_;
    NodeSettings settings_;
    StateStore store_;
    Clock::time_point started_ = Clock::now();

    HealthThread health_;
    std::unique_ptr<HealthEngine> engine_; ///< used on its thread alone, but for its snapshot
    HealthConfig health_config_;           ///< staged last
    std::optional<HealthConfig> committed_health_;
    bool health_staged_ = false;
    std::vector<AdoptedTarget> adopted_;
    std::vector<PlannedTarget> planned_targets_;

    IndexAllocator book_;
    std::optional<datapath::Roles> program_;
    InstalledState written_;
    std::optional<Netlink> netlink_;
    std::optional<PathResolver> paths_;
    std::optional<guard::Guard> guard_;
    Fd pins_lock_; ///< held while the node has, or may have, anything in the bpffs
    std::optional<datapath::Pins> pins_;
    std::optional<datapath::Attachments> attachments_;
    std::optional<datapath::RedirectTracepoints> redirects_;
    std::shared_ptr<const datapath::FlowTable> table_;
    std::uint32_t capacity_ = 0;
    datapath::PinSets found_; ///< at start, until the program is loaded
    datapath::TakeoverPlan plan_;
    std::optional<datapath::TableMigration> move_;
    std::unique_ptr<ResizeJob> resize_;
    std::future<void> cleaning_; ///< of what a resize left
    std::string move_failure_;   ///< of the last upgrade; tried again after a while
    Clock::time_point move_again_{};

    std::optional<Manifest> manifest_;
    std::string manifest_text_;
    std::vector<std::uint8_t> seed_;
    MaglevGenerations tables_;
    std::map<std::uint16_t, ComputedTable> computed_;
    std::map<std::uint16_t, std::uint32_t> slots_; ///< of a target's in its group's Maglev table
    Bypasses bypasses_;
    History history_;
    std::optional<Confirmation> confirmation_; ///< the manifest in force waits for it
    Snapshot snapshot_;
    std::optional<std::pair<IpAddress, Clock::time_point>>
        former_address_; ///< of the tunnel, and until when it counts
    guard::GuardReport guard_report_;
    std::uint64_t guard_restored_ = 0,
                  epoch_found_ = 0; ///< the latter: of the data path when it was taken over
    std::set<unsigned> no_door_;    ///< interfaces by which packets came without XDP metadata
    InterfaceConditionLog interface_log_;
    WarningLog guard_warnings_;
    std::string trouble_; ///< of the last reconcile; empty: none

    std::optional<Monitor> monitor_;
    boost::asio::posix::stream_descriptor network_changes_;
    boost::asio::steady_timer tick_, settle_, look_;
    UnansweredDetector silence_;
    bool settling_ = false, stopped_ = false;
    std::unique_ptr<FlowStatsScan> census_;
    AsymmetricTcpDetector one_way_;
    Clock::time_point census_done_{};
};

} // namespace glb
