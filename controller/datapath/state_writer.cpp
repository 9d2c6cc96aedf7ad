#include "controller/datapath/state_writer.h"

#include <vector>

#include "controller/datapath/map_io.h"

namespace glb::datapath {

namespace {

template <Map map>
WritableMap state_map(const DatapathHandlesPtr &handles) {
    return writable<StateWriter, map>(*handles);
}

} // namespace

Status StateWriter::set_target_state(std::uint32_t target, std::uint64_t flags) {
    return update_row(state_map<Map::target_state>(handles_), target, &flags);
}

Status StateWriter::set_group_action(std::uint32_t group, glb_no_target_action action) {
    const std::uint64_t value = action;
    return update_row(state_map<Map::group_action>(handles_), group, &value);
}

Status StateWriter::set_fallback(std::uint32_t group, std::span<const std::uint16_t> targets) {
    if (targets.size() != GLB_FALLBACK_SLOTS || group >= GLB_MAX_GROUPS)
        return fail("fallback list of group {} with {} slots: a list has {} slots, and indexes are below {}",
                    group, targets.size(), GLB_FALLBACK_SLOTS, GLB_MAX_GROUPS);
    const std::vector<std::uint64_t> rows(targets.begin(), targets.end());
    return write_rows(state_map<Map::fallback>(handles_), group * GLB_FALLBACK_SLOTS, rows);
}

} // namespace glb::datapath
