// What tc filters do to packet marks.
#pragma once

#include <cstdint>
#include <string>

#include "lib/netlink/netlink.h"

namespace glb::guard {

struct MarkEffect {
    std::uint32_t bits = 0; ///< that an action may change
    bool is_opaque = false; ///< an eBPF program, or an action of BPF or iptables

    bool operator==(const MarkEffect &) const = default;
};

/// Of a filter of this kind, from its TCA_OPTIONS, which may be null.
[[nodiscard]] MarkEffect mark_effect_of(const std::string &kind, const nlattr *options);

} // namespace glb::guard
