// UnansweredDetector: targets that are sent packets and return none. Their next hop is resolved again; their
// health is not affected. Pure.
#pragma once

#include <cstdint>
#include <map>

#include "abi/config.h"

namespace glb::control {

class UnansweredDetector {
  public:
    static constexpr std::uint64_t least = 3; ///< packets that must have gone unanswered

    /// True if since the look before at least `least` packets went to the target and none came back.
    bool is_unanswered(std::uint16_t target, const glb_target_count &now) {
        const auto [at, is_first] =
            seen_.try_emplace(target, Seen{now.outbound.packets, now.returned.packets});
        const Seen before = at->second;
        at->second = {now.outbound.packets, now.returned.packets};
        // An index that was given to another target counts from 0 again.
        return !is_first && now.returned.packets == before.back && now.outbound.packets >= before.out + least;
    }

  private:
    struct Seen {
        std::uint64_t out, back;
    };
    std::map<std::uint16_t, Seen> seen_;
};

} // namespace glb::control
