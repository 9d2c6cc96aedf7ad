#include "controller/observe/flow_query.h"

#include <algorithm>
#include <array>

#include "controller/util/numbers.h"

namespace glb::observe {

namespace {

struct ProtocolName {
    std::uint8_t number;
    std::string_view name;
};

// The first name of a number is the one that is printed.
constexpr std::array protocol_names{
    ProtocolName{1, "icmp"},    ProtocolName{6, "tcp"},    ProtocolName{17, "udp"},
    ProtocolName{47, "gre"},    ProtocolName{50, "esp"},   ProtocolName{51, "ah"},
    ProtocolName{58, "icmpv6"}, ProtocolName{58, "icmp6"}, ProtocolName{58, "ipv6-icmp"},
    ProtocolName{132, "sctp"},
};

Result<std::uint8_t> parse_protocol(std::string_view text) {
    for (const auto &[number, name] : protocol_names)
        if (name == text)
            return number;
    if (const auto number = parse_number<std::uint8_t>(text))
        return *number;
    return fail("\"{}\" is not a protocol; valid: tcp, udp, icmp, icmpv6, sctp, gre, esp, ah and 0 to 255",
                text);
}

Result<datapath::FlowState> parse_state(std::string_view text) {
    const auto &names = datapath::flow_state_names;
    const auto *found = std::ranges::find(names, text);
    if (found == names.end())
        return fail("\"{}\" is not a state; valid: unconfirmed, established, closing, closed", text);
    return static_cast<datapath::FlowState>(found - names.begin());
}

/// Moves the value of `from` to `to`, or its error's message to `problems`.
template <typename To, typename From>
void take(To &to, Result<From> from, const std::string &name, std::vector<ApiError> &problems) {
    if (from)
        to = std::move(*from);
    else
        problems.push_back({"/" + name, from.error().message});
}

Result<std::string> parse_name(std::string_view text) {
    if (text.empty())
        return fail("a name is missing");
    return std::string(text);
}

void read_target(FlowQuery &filter, std::string_view text, std::vector<ApiError> &problems) {
    const auto slash = text.find('/');
    if (slash != std::string_view::npos)
        take(filter.target_group, parse_name(text.substr(0, slash)), "target", problems);
    take(filter.target, parse_name(slash == std::string_view::npos ? text : text.substr(slash + 1)), "target",
         problems);
}

void read_field(FlowQuery &filter, const std::string &name, const std::string &value,
                std::vector<ApiError> &problems) {
    if (name == "endpoint")
        take(filter.endpoint, parse_name(value), name, problems);
    else if (name == "target")
        read_target(filter, value, problems);
    else if (name == "protocol")
        take(filter.protocol, parse_protocol(value), name, problems);
    else if (name == "state")
        take(filter.state, parse_state(value), name, problems);
    else if (name == "source")
        take(filter.source, AddressMatch::parse(value), name, problems);
    else if (name == "destination")
        take(filter.destination, AddressMatch::parse(value), name, problems);
    else if (name == "limit") {
        const auto limit = parse_number<std::uint32_t>(value);
        if (limit)
            filter.limit = *limit;
        else
            problems.push_back({"/limit", "\"" + value + "\" is not a number from 0 (all) to 4294967295"});
    } else
        problems.push_back({"/" + name, "unknown; allowed are endpoint, target, protocol, state, source, "
                                        "destination, limit"});
}

} // namespace

std::string ip_protocol_name(std::uint8_t protocol) {
    for (const auto &[number, name] : protocol_names)
        if (number == protocol)
            return std::string(name);
    return std::to_string(protocol);
}

Result<FlowQuery, std::vector<ApiError>> parse_flow_query(const FlowQueryFields &fields) {
    FlowQuery filter;
    std::vector<ApiError> problems;
    for (auto field = fields.begin(); field != fields.end(); ++field) {
        const auto &[name, value] = *field;
        const auto same_name = [&](const auto &earlier) { return earlier.first == name; };
        if (std::any_of(fields.begin(), field, same_name))
            problems.push_back({"/" + name, "given more than once"});
        else
            read_field(filter, name, value, problems);
    }
    if (!problems.empty())
        return tl::unexpected(std::move(problems));
    return filter;
}

} // namespace glb::observe
