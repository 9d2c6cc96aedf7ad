// A complete flow listing, as a client reads it.
#pragma once

#include <stdexcept>

#include "controller/observe/flow_list.h"

namespace glb::test {

[[nodiscard]] inline documents::FlowList list_flows(const datapath::FlowTable &table,
                                                    observe::FlowQuery query, observe::FlowNames names,
                                                    datapath::TargetTimeouts timeouts, std::uint32_t now) {
    observe::FlowListing listing(table, std::move(query), std::move(names), std::move(timeouts), now);
    std::string text;
    while (listing.next(text)) {
    }
    const auto list = documents::from_json<documents::FlowList>(nlohmann::json::parse(text));
    if (!list)
        throw std::runtime_error(list.error().message);
    return *list;
}

} // namespace glb::test
