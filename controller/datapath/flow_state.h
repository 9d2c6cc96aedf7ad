// FlowState: the state of a flow as reported to operators.
#pragma once

#include <cstdint>

namespace glb::datapath {

enum class FlowState : std::uint8_t { unconfirmed, established, closing, closed };

} // namespace glb::datapath
