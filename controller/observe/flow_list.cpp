#include "controller/observe/flow_list.h"

#include <algorithm>

#include <netinet/in.h>

namespace glb::observe {

namespace {

constexpr std::chrono::milliseconds slice{5}; // of a thread that several listings share

bool has_ports(std::uint8_t protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
           protocol == IPPROTO_UDPLITE;
}

bool is_icmp(std::uint8_t protocol) {
    return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

bool matches_side(const std::optional<AddressMatch> &wanted, const datapath::FlowRow &row,
                  const IpAddress &address, std::uint16_t port) {
    if (!wanted)
        return true;
    return wanted->matches(address, port) && (!wanted->port || has_ports(row.protocol));
}

std::string side_text(const datapath::FlowRow &row, const IpAddress &address, std::uint16_t port) {
    auto text = address.to_string();
    if (!has_ports(row.protocol))
        return text;
    return address.family == 6 ? fmt::format("[{}]:{}", text, port) : fmt::format("{}:{}", text, port);
}

std::string nameless(std::uint32_t index) {
    return fmt::format("#{}", index);
}

} // namespace

std::string FlowNames::endpoint(std::uint32_t index) const {
    return index < endpoints.size() && !endpoints[index].empty() ? endpoints[index] : nameless(index);
}

FlowNames::TargetName FlowNames::target(std::uint16_t index) const {
    if (index < targets.size() && !targets[index].id.empty())
        return targets[index];
    return {nameless(index), nameless(index)};
}

Status FlowNames::check(const FlowQuery &query) const {
    const auto fail_with = [](std::string message) -> Status {
        return tl::unexpected(Error{std::move(message), ENOENT});
    };
    if (query.endpoint && std::ranges::find(endpoints, *query.endpoint) == endpoints.end())
        return fail_with(fmt::format("there is no endpoint {}; see glbctl endpoints", *query.endpoint));
    if (!query.target && !query.target_group)
        return {};
    const auto is_named = [&](const TargetName &name) {
        return !name.id.empty() && name.id == query.target.value_or(name.id) &&
               name.group == query.target_group.value_or(name.group);
    };
    if (std::ranges::any_of(targets, is_named))
        return {};
    return fail_with(fmt::format("there is no target {}{}; see glbctl targets",
                                 query.target_group ? *query.target_group + "/" : "",
                                 query.target.value_or("")));
}

bool matches(const FlowQuery &filter, const datapath::FlowRow &row, const FlowNames &names) {
    if (filter.protocol && *filter.protocol != row.protocol)
        return false;
    if (filter.state && *filter.state != row.meta.state())
        return false;
    if (!matches_side(filter.source, row, row.source, row.source_port) ||
        !matches_side(filter.destination, row, row.destination, row.destination_port))
        return false;
    if (filter.endpoint && *filter.endpoint != names.endpoint(row.endpoint))
        return false;
    if (!filter.target && !filter.target_group)
        return true;
    const auto target = names.target(row.meta.target());
    return (!filter.target || *filter.target == target.id) &&
           (!filter.target_group || *filter.target_group == target.group);
}

documents::Flow flow_document(const datapath::FlowRow &row, const FlowNames &names, std::uint32_t now) {
    const auto target = names.target(row.meta.target());
    const auto age = now - row.start_tick;
    documents::Flow flow;
    flow.endpoint = names.endpoint(row.endpoint);
    flow.protocol = ip_protocol_name(row.protocol);
    flow.source = side_text(row, row.source, row.source_port);
    flow.destination = side_text(row, row.destination, row.destination_port);
    flow.target_group = target.group;
    flow.target = target.id;
    flow.state = to_string(row.meta.state());
    flow.cookie = fmt::format("0x{:08x}", row.cookie);
    // A flow that began after `now` was read looks as old as the clock.
    flow.age_seconds = datapath::ticks_to_seconds(age > INT32_MAX ? 0 : age);
    flow.idle_seconds = datapath::ticks_to_seconds(row.meta.idle(now));
    flow.packets_out = row.out.packets;
    flow.packets_back = row.back.packets;
    flow.bytes_out = row.out.bytes;
    flow.bytes_back = row.back.bytes;
    if (is_icmp(row.protocol))
        flow.identifier = row.source_port;
    return flow;
}

FlowListing::FlowListing(const datapath::FlowTable &table, FlowQuery query, FlowNames names,
                         datapath::TargetTimeouts timeouts, std::uint32_t now)
    : table_(table), scanner_(table), query_(std::move(query)), names_(std::move(names)),
      timeouts_(std::move(timeouts)), now_(now) {}

void FlowListing::visit(std::uint32_t slot, std::string &chunk) {
    const auto meta = table_.meta(slot);
    if (!meta || !meta->live(now_, timeouts_))
        return;
    const auto row = table_.row(slot);
    if (!row || !matches(query_, *row, names_))
        return;
    if (++total_ > query_.limit && query_.limit != 0)
        return;
    text_.add(chunk, flow_document(*row, names_, now_));
}

bool FlowListing::next(std::string &chunk) {
    if (!std::exchange(begun_, true))
        text_.begin(chunk);
    const bool ended = scanner_.step(slice, [&](std::uint32_t slot) {
        visit(slot, chunk);
        return chunk.size() < chunk_bytes;
    });
    if (ended)
        text_.end(chunk, total_);
    return !ended;
}

} // namespace glb::observe
