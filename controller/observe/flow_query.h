// FlowQuery: a filter of flows. One parser, for the query of GET /v1/flows and for glbctl's options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/datapath/flow_state.h"
#include "controller/util/address_match.h"
#include "controller/util/api_error.h"
#include "controller/util/result.h"

namespace glb::observe {

/// "tcp", "udp", "icmp", "icmpv6", "sctp", "gre", "esp", "ah", or the number in decimal (IANA's protocol
/// numbers).
[[nodiscard]] std::string ip_protocol_name(std::uint8_t protocol);

/// An absent member matches every flow.
struct FlowQuery {
    static constexpr std::size_t default_limit = 1000;

    std::optional<std::string> endpoint;
    std::optional<std::string> target_group; ///< if the query's target is GROUP/TARGET
    std::optional<std::string> target;
    std::optional<std::uint8_t> protocol;
    std::optional<datapath::FlowState> state;
    std::optional<AddressMatch> source;      ///< of the flow's first packet
    std::optional<AddressMatch> destination; ///< of the flow's first packet
    std::size_t limit = default_limit;       ///< 0: all of them
};

using FlowQueryFields = std::vector<std::pair<std::string, std::string>>;

/// Reads (name, value) pairs; the names are endpoint, target, protocol, state, source, destination, limit.
/// Reports every error at once, each with the pointer "/NAME": unknown or repeated names, malformed values.
[[nodiscard]] Result<FlowQuery, std::vector<ApiError>> parse_flow_query(const FlowQueryFields &fields);

} // namespace glb::observe
