#include "controller/control/drop_watch.h"

#include <fmt/format.h>

#include "controller/observe/reason_texts.h"

namespace glb::control {

namespace {

/// Those that hostile or broken hosts cannot cause at will, and that something at the node or its appliances ends.
constexpr std::array watched = {
    GLB_DROP_SHORT_LINEAR,      GLB_DROP_TOO_BIG,           GLB_DROP_NO_NEIGHBOUR,
    GLB_DROP_NO_HEADROOM,       GLB_DROP_PUNT_FAILED,       GLB_DROP_REDIRECT_FAILED,
    GLB_DROP_NO_TUNNEL_ADDRESS, GLB_DROP_APPLIANCE_OFFLOAD, GLB_DROP_HOST_FIREWALL};

} // namespace

std::vector<Condition> DropWatch::update(const std::vector<glb_count> &drops, MonotonicTime now) {
    std::vector<Condition> conditions;
    for (const auto reason : watched) {
        auto &row = rows_[reason];
        const auto packets = reason < drops.size() ? drops[reason].packets : 0;
        if (has_begun_ && packets > row.seen) {
            row.reported += packets - row.seen;
            row.last = now;
        } else if (now - row.last >= drop_memory) {
            row.reported = 0;
        }
        row.seen = packets;
        if (row.reported == 0)
            continue;
        const auto &text = observe::drop_texts[reason];
        conditions.push_back(
            {Severity::warning, "drops", text.name,
             fmt::format("{} packet{} dropped: {}", row.reported, row.reported == 1 ? "" : "s", text.meaning),
             text.fix});
    }
    has_begun_ = true;
    return conditions;
}

} // namespace glb::control
