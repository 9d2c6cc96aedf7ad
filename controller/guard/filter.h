// The guard's tc filter: clsact qdisc and BPF filter at ingress, by rtnetlink.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/network/netlink.h"

namespace glb::guard {

/// First of all priorities, and a handle that no tool picks by itself (tc counts from 1): with both fixed,
/// NLM_F_REPLACE puts one program in the other's place in one RCU step. No packet meets neither.
constexpr std::uint32_t filter_priority = 1;
constexpr std::uint32_t filter_handle = 0x676c62;
constexpr const char *filter_name = "glb_guard";

struct Filter {
    std::uint32_t priority = 0;
    std::uint32_t handle = 0;
    std::string name;
    std::uint32_t program_id = 0; ///< of a BPF filter

    [[nodiscard]] bool is_own() const {
        return priority == filter_priority && handle == filter_handle && name == filter_name;
    }
};

/// The filters at ingress in the order in which packets meet them. Empty where there is no qdisc or device.
[[nodiscard]] Result<std::vector<Filter>> list_filters(Netlink &netlink, unsigned ifindex,
                                                       bool egress = false);

/// Makes sure of the clsact qdisc. True where it was made now, false where one was there.
[[nodiscard]] Result<bool> add_clsact(Netlink &netlink, unsigned ifindex);
[[nodiscard]] Status remove_clsact(Netlink &netlink, unsigned ifindex);

/// Adds our filter, or puts this program in its place without a gap.
[[nodiscard]] Status put_filter(Netlink &netlink, unsigned ifindex, int program_fd);

/// Removes our filter; that there is none is no failure.
[[nodiscard]] Status remove_filter(Netlink &netlink, unsigned ifindex);

} // namespace glb::guard
