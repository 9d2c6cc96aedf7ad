// GET /v1/flows: the flow table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/documents/document.h"

namespace glb::documents {

struct Flow {
    std::string endpoint;
    std::string protocol;
    std::string source;      ///< of the initiator: ADDR:PORT, [ADDR6]:PORT, or the address alone
    std::string destination; ///< the same of the other side
    std::string target_group;
    std::string target;
    std::string state;  ///< unconfirmed, established, closing, closed
    std::string cookie; ///< 0x and 8 hex digits
    std::uint64_t age_seconds = 0;
    std::uint64_t idle_seconds = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t packets_back = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t bytes_back = 0;
    std::optional<std::uint16_t> identifier; ///< of ICMP alone: that of the echo, else 0

    static constexpr auto members() {
        return std::tuple{member("endpoint", &Flow::endpoint),
                          member("protocol", &Flow::protocol),
                          member("source", &Flow::source),
                          member("destination", &Flow::destination),
                          member("targetGroup", &Flow::target_group),
                          member("target", &Flow::target),
                          member("state", &Flow::state),
                          member("cookie", &Flow::cookie),
                          member("ageSeconds", &Flow::age_seconds),
                          member("idleSeconds", &Flow::idle_seconds),
                          member("packetsOut", &Flow::packets_out),
                          member("packetsBack", &Flow::packets_back),
                          member("bytesOut", &Flow::bytes_out),
                          member("bytesBack", &Flow::bytes_back),
                          omitted_if_empty("identifier", &Flow::identifier)};
    }
    bool operator==(const Flow &) const = default;
};

struct FlowList {
    std::vector<Flow> flows;
    std::uint64_t total = 0; ///< that match, beyond the limit too
    bool truncated = false;  ///< `flows` has fewer than `total`

    static constexpr auto members() {
        return std::tuple{required("flows", &FlowList::flows), member("total", &FlowList::total),
                          member("truncated", &FlowList::truncated)};
    }
    bool operator==(const FlowList &) const = default;
};

/// Writes the text of a FlowList flow by flow, so that only clients hold a whole one.
class FlowListText {
  public:
    void begin(std::string &text) const;
    void add(std::string &text, const Flow &flow);
    /// `total` flows match; if fewer were added, the list is truncated.
    void end(std::string &text, std::uint64_t total) const;
    [[nodiscard]] std::uint64_t added() const { return added_; }

  private:
    std::uint64_t added_ = 0;
};

} // namespace glb::documents
