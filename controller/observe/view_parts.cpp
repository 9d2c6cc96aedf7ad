#include "controller/observe/view_parts.h"

#include <unistd.h>

#include "controller/observe/bypass_reason.h"
#include "controller/observe/flow_timeouts.h"
#include "controller/plan/maglev_generations.h"
#include "controller/util/utf8.h"

namespace glb::observe {

FlowStats flow_stats(const View &view) {
    if (view.node->datapath && view.node->manifest)
        return count_flows(view.node->datapath->flow_table(),
                           target_timeouts(*view.node->manifest, *view.health), plan::tick_now());
    FlowStats none;
    none.by_target.resize(GLB_MAX_TARGETS);
    return none;
}

std::optional<std::string> bypass_reason(const View &view, const config::Endpoint &endpoint) {
    return bypass_reason(endpoint, view.node->bypasses, *view.health);
}

glb_endpoint_count endpoint_count(const View &view, const std::string &endpoint) {
    const auto index = view.node->indexes->find(plan::IndexKind::endpoint, endpoint);
    return view.counters && index ? view.counters->endpoint_count(*index).value_or(glb_endpoint_count{})
                                  : glb_endpoint_count{};
}

std::string node_name(const View &view) {
    if (view.node->manifest && !view.node->manifest->node.name.empty())
        return view.node->manifest->node.name;
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? to_valid_utf8(name) : "";
}

Result<std::vector<glb_count>> all_counters(const View &view) {
    GLB_ASSIGN(auto counts, view.counters->counters());
    counts[GLB_COUNT_ONE_WAY_TCP].packets += view.node->one_way_tcp;
    return counts;
}

} // namespace glb::observe
