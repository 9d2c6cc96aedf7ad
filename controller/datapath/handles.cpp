#include "controller/datapath/handles.h"

#include <utility>

namespace glb::datapath {

Result<DatapathHandlesPtr> DatapathHandles::make(Fd program, MapFds maps, const LoadSettings &settings,
                                                 std::optional<Pins> pins) {
    const auto fd = [&](Map map) { return maps[static_cast<std::size_t>(map)].get(); };
    GLB_ASSIGN(auto flow_table, FlowTable::map(fd(Map::flows_hot), fd(Map::flows_cold), settings.capacity));
    GLB_ASSIGN(auto target_counts, TargetCounts::map(fd(Map::target_counts)));
    GLB_ASSIGN(auto endpoint_target_seen, EndpointTargetSeen::map(fd(Map::endpoint_target_seen)));
    auto handles = std::shared_ptr<DatapathHandles>(new DatapathHandles(
        std::move(program), std::move(maps), settings, std::move(pins), std::move(flow_table)));
    handles->target_counts_ = std::move(target_counts);
    handles->endpoint_target_seen_ = std::move(endpoint_target_seen);
    return DatapathHandlesPtr(std::move(handles));
}

} // namespace glb::datapath
