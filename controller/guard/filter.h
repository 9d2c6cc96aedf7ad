// The guard's tc filter: a BPF filter at ingress of the clsact qdisc, through rtnetlink.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/guard/mark_effect.h"
#include "lib/netlink/netlink.h"

namespace glb::guard {

/// The first priority, and a handle that no tool assigns by itself (tc counts from 1). With both fixed,
/// NLM_F_REPLACE replaces the program atomically: every packet passes one of the two.
constexpr std::uint32_t filter_priority = 1;
constexpr std::uint32_t filter_handle = 0x676c62;
constexpr const char *filter_name = "glb_guard";

struct Filter {
    std::uint32_t priority = 0;
    std::uint32_t handle = 0;
    std::string name;             ///< of a BPF filter
    std::uint32_t program_id = 0; ///< 0: not a BPF filter
    std::string kind = {};
    MarkEffect mark = {};

    /// True for the guard's filter.
    [[nodiscard]] bool is_own() const {
        return priority == filter_priority && handle == filter_handle && name == filter_name;
    }
};

/// The filters in the order of execution. Empty without a qdisc or device.
[[nodiscard]] Result<std::vector<Filter>> list_filters(Netlink &netlink, unsigned ifindex,
                                                       bool egress = false);

/// Adds the guard's filter, or replaces its program without a gap.
[[nodiscard]] Status put_filter(Netlink &netlink, unsigned ifindex, int program_fd);

/// Removes the guard's filter. Succeeds if there is none.
[[nodiscard]] Status remove_filter(Netlink &netlink, unsigned ifindex);

} // namespace glb::guard
