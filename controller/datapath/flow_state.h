// FlowState: the state of a flow as reported to operators.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace glb::datapath {

enum class FlowState : std::uint8_t { unconfirmed, established, closing, closed };

/// By FlowState.
inline constexpr std::array<std::string_view, 4> flow_state_names{"unconfirmed", "established", "closing",
                                                                  "closed"};

[[nodiscard]] inline std::string_view to_string(FlowState state) {
    return flow_state_names.at(static_cast<std::size_t>(state));
}

} // namespace glb::datapath
