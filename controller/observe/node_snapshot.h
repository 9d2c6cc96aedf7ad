// NodeSnapshot: the state of the node that control publishes after every change. Immutable, so any thread may
// read it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/config/manifest.h"
#include "controller/datapath/handles.h"
#include "controller/plan/guard_plan.h"
#include "controller/plan/index_allocator.h"
#include "controller/util/condition.h"
#include "controller/util/monotonic_time.h"

namespace glb::observe {

struct InterfaceSnapshot {
    bool exists = false;
    std::uint32_t mtu = 0;
    bool attached = false;
    bool has_punt_path = true; ///< false: its driver lacks XDP metadata
};

struct GuardSnapshot {
    bool installed = false;
    std::uint64_t restored = 0; ///< parts that were missing and put back, since the daemon's start
    std::vector<std::string> warnings;
    std::shared_ptr<const config::Manifest>
        manifest;              ///< whose endpoints it guards: the active one, or the one whose
                               ///< guard was kept; null: none
    plan::PacketCount counted; ///< blocked packets at the last check
    plan::PacketCount counter; ///< value of the kernel's counter at that moment
};

struct NodeSnapshot {

    std::string not_ready_reason = "starting";           ///< one line; empty: ready
    std::shared_ptr<const config::Manifest> manifest;    ///< active; null: none
    std::map<std::string, InterfaceSnapshot> interfaces; ///< by name: of the active manifest and the guard's
    std::vector<HeldCondition> conditions;               ///< errors first; without those of health
    GuardSnapshot guard;
    std::map<std::string, std::optional<MonotonicTime>>
        bypasses;                               ///< operator bypasses by endpoint, with their end
    std::optional<MonotonicTime> confirm_until; ///< the active manifest is pending confirmation
    std::shared_ptr<const plan::IndexAllocator> indexes = std::make_shared<plan::IndexAllocator>();
    std::map<std::uint16_t, std::uint32_t> maglev_slots; ///< by target index
    datapath::DatapathHandlesPtr datapath;               ///< null: not loaded
    std::string counters_since;         ///< UTC: when ids and counters began; empty: not loaded, or unknown
    std::uint64_t one_way_tcp = 0;      ///< flows found by the table scans since the daemon's start
    std::uint64_t netlink_overruns = 0; ///< since the daemon's start
};

} // namespace glb::observe
