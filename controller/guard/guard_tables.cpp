// Guard: its nftables tables.
#include "controller/guard/guard.h"

#include <algorithm>

#include "controller/guard/diagnostics.h"
#include "controller/guard/mark_users.h"

namespace glb::guard {

/// Adds what was blocked since the last call. A counter that does not exist has counted nothing.
Status Guard::read_counter() {
    GLB_ASSIGN(const auto counter, nftables_.counter());
    if (!counter)
        return {};
    counted_ = counted_ + plan::growth(counter_, *counter);
    counter_ = *counter;
    return {};
}

Status Guard::write_table() {
    table_.listing.reset();
    table_.generation = 0;
    GLB_ASSIGN(const auto before, nftables_.counter());
    GLB_TRY(read_counter());
    owner_.set_node(plan_->node);
    bridge_table_.write(nftables_, *plan_); // first: its marks mean nothing without the other table
    GLB_TRY(run_ruleset());
    if (!before) // created with what was counted
        counter_ = counted_;
    GLB_ASSIGN(table_.listing, nftables_.list("table inet glb"));
    return {};
}

/// Chains are changed in place if that is possible. A kernel without nft_fib_inet gets the rules without the probe.
Status Guard::run_ruleset() {
    Status done;
    for (const bool with_probe : {true, false})
        for (const bool anew : {false, true}) {
            has_probe_ = with_probe;
            done = nftables_.run(plan::guard_ruleset(*plan_, counted_, with_probe, anew) +
                                 owner_ruleset(owner_.self()));
            if (done)
                return done;
        }
    return done;
}

Status Guard::repair_table(GuardReport &report) {
    GLB_TRY(read_counter());
    (void)owner_.self(); // shows that this daemon runs, if it could not before
    if (bridge_table_.is_due()) {
        GLB_TRY(check_owner());
        bridge_table_.repair(nftables_, *plan_, report.repaired);
    }
    // Read before the listing: a change in between is found by the next check.
    GLB_ASSIGN(const auto generation, nftables_.generation());
    if (generation == table_.generation)
        return {};
    GLB_ASSIGN(const auto listing, nftables_.list("table inet glb"));
    if (listing != table_.listing) {
        GLB_TRY(check_owner());
        GLB_TRY(write_table());
        report.repaired.push_back("nftables table inet glb");
        return {};
    }
    GLB_ASSIGN(const bool is_intact, bridge_table_.is_intact(nftables_));
    if (!is_intact) {
        GLB_TRY(check_owner());
        bridge_table_.repair(nftables_, *plan_, report.repaired);
        return {};
    }
    GLB_ASSIGN(const auto ruleset, nftables_.list_json("ruleset"));
    table_.conditions = table_conditions(ruleset);
    std::ranges::move(nftables_mark_users(ruleset, plan_->mark_mask), std::back_inserter(table_.conditions));
    table_.generation = generation;
    return {};
}

} // namespace glb::guard
