#include "appliance/options.h"

#include <algorithm>
#include <map>
#include <thread>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>

#include "appliance/endpoint_id.h"
#include "controller/util/address.h"
#include "controller/util/address_match.h"

namespace glb::appliance {
namespace {

constexpr unsigned max_threads = 64;

const std::map<std::string, Fault> faults{{"none", Fault::none},
                                          {"stale-cookie", Fault::stale_cookie},
                                          {"udp-checksum", Fault::udp_checksum},
                                          {"silent", Fault::silent}};

constexpr const char *examples = R"(Examples:
  glb-appliance
      One TUN device per endpoint, made on its first packet; health on port 80.
  glb-appliance --endpoint vpce-02b8ee1d4db0c51c4 --listed-only --health 127.0.0.1:8080
      The device gwi-1d4db0c51c4 at once, and no other.
  nft add rule inet filter forward iifname "gwi-*" tcp dport 23 drop
      What the firewall then says of the inspected traffic.
  glb-appliance --reflect --health none
      Sends everything back as it came: no TUN device, nothing inspected.
  curl http://127.0.0.1/counters
      What was received, returned and dropped, and why; each endpoint with its device.

Exit status: 0 ended by SIGTERM or SIGINT; 1 failed, with the reason on stderr; 2 wrong usage.)";

Result<UdpAddress> parse_listen(const std::string &text) {
    const auto match = AddressMatch::parse(text);
    if (!match || !match->port || match->prefix.address.family != 4)
        return fail("--listen {}: must be ADDR:PORT with an IPv4 address, as in 0.0.0.0:6081", text);
    if (*match->port == 0)
        return fail("--listen {}: the port must be 1 to 65535", text);
    return UdpAddress{match->prefix.address.v4_network_order(), htons(*match->port)};
}

Result<std::set<std::uint32_t>> parse_nodes(const std::vector<std::string> &texts) {
    std::set<std::uint32_t> nodes;
    for (const auto &text : texts) {
        const auto address = IpAddress::parse(text);
        if (!address || address->family != 4)
            return fail("--node {}: must be an IPv4 address", text);
        nodes.insert(address->v4_network_order());
    }
    return nodes;
}

Result<std::vector<std::uint64_t>> parse_endpoints(const std::vector<std::string> &texts) {
    std::vector<std::uint64_t> ids;
    for (const auto &text : texts) {
        const auto id = parse_endpoint(text);
        if (!id)
            return fail("--endpoint {}: must be vpce-0 and 16 hexadecimal digits", text);
        if (std::ranges::find(ids, *id) == ids.end())
            ids.push_back(*id);
    }
    return ids;
}

} // namespace

void Arguments::add_to(CLI::App &app) {
    app.add_option("--listen", listen, "UDP address and port on which GENEVE arrives")
        ->type_name("ADDR:PORT")
        ->capture_default_str();
    app.add_option("--health", health,
                   "HTTP address and port of /healthz and /counters; \"none\" turns it off")
        ->type_name("ADDR:PORT")
        ->capture_default_str();
    app.add_option("--endpoint", endpoints, "endpoint whose TUN device is made at start; may be repeated")
        ->type_name("vpce-0...")
        ->allow_extra_args(false);
    app.add_flag("--listed-only", listed_only, "drop packets of endpoints that no --endpoint names");
    app.add_option("--max-endpoints", max_endpoints, "TUN devices at most")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    app.add_option("--node", nodes, "take GENEVE from this address only; may be repeated")
        ->type_name("ADDR")
        ->allow_extra_args(false);
    app.add_flag("--reflect", reflect, "send every packet back as it came: no TUN device, no inspection");
    app.add_option("--threads", threads, "packet threads; 0: one for each CPU")
        ->check(CLI::Range(0u, max_threads))
        ->capture_default_str();
    app.add_option("--mtu", mtu, "MTU of the TUN devices, and the longest inner packet")
        ->check(CLI::Range(1280, 65'535))
        ->capture_default_str();
    app.add_option("--table", table, "routing table and packet mark of the first endpoint; others count on")
        ->check(CLI::Range(256, 61'440))
        ->capture_default_str();
    app.add_option("--flows", flows, "flows whose way back is remembered, at most")
        ->check(CLI::Range(64, 16'777'216))
        ->capture_default_str();
    app.add_option("--flow-idle", flow_idle, "seconds without a packet after which a flow is forgotten")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    app.add_option("--fault", fault, "imitate a faulty appliance: stale-cookie, udp-checksum, silent")
        ->check(CLI::IsMember({"none", "stale-cookie", "udp-checksum", "silent"}))
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--log-level", log_level, "trace, debug, info, warning, error or off")
        ->type_name("LEVEL")
        ->capture_default_str();
    app.add_option("--log-format", log_format, "text or json")->type_name("FORMAT")->capture_default_str();
    app.footer(examples);
}

Result<Options> Arguments::checked() const {
    Options options;
    GLB_ASSIGN(options.listen, parse_listen(listen));
    GLB_ASSIGN(options.endpoints, parse_endpoints(endpoints));
    GLB_ASSIGN(options.nodes, parse_nodes(nodes));
    if (health != "none")
        options.health = health;
    if (listed_only && endpoints.empty())
        return fail("--listed-only: needs at least one --endpoint");
    if (reflect && !endpoints.empty())
        return fail("--reflect: makes no TUN devices, so --endpoint has no meaning beside it");
    if (options.endpoints.size() > max_endpoints)
        return fail("--endpoint: {} are named, but --max-endpoints is {}", options.endpoints.size(),
                    max_endpoints);
    options.listed_only = listed_only;
    options.max_endpoints = max_endpoints;
    options.reflect = reflect;
    options.threads = threads ? threads : std::clamp(std::thread::hardware_concurrency(), 1u, max_threads);
    options.mtu = mtu;
    options.table = table;
    options.flows = flows;
    options.flow_idle = std::chrono::seconds(flow_idle);
    options.fault = faults.at(fault);
    return options;
}

} // namespace glb::appliance
