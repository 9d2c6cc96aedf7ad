#include "appliance/options.h"

#include <algorithm>
#include <map>
#include <thread>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>

#include "controller/util/address.h"
#include "controller/util/address_match.h"
#include "controller/util/endpoint_id.h"

namespace glb::appliance {
namespace {

constexpr unsigned max_threads = 64;

const std::map<std::string, Fault> faults{{"none", Fault::none},
                                          {"stale-cookie", Fault::stale_cookie},
                                          {"udp-checksum", Fault::udp_checksum},
                                          {"silent", Fault::silent}};

constexpr const char *examples = R"(Examples:
  glb-appliance
      One TUN device per endpoint, created on its first packet; health on port 80.
  glb-appliance --endpoint vpce-02b8ee1d4db0c51c4 --listed-only --health 127.0.0.1:8080
      Only the device gwi-1d4db0c51c4, created at start.
  nft add rule inet filter forward iifname "gwi-*" tcp dport 23 drop
      A firewall rule for inspected traffic.
  glb-appliance --reflect --health none
      Returns all packets unchanged, without TUN devices and inspection.
  curl http://127.0.0.1/counters
      Packets received, returned and dropped by reason, and endpoints with their devices.

Exit status: 0 stopped by SIGTERM or SIGINT; 1 failure, with the reason on stderr; 2 usage error.)";

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
        const auto id = parse_endpoint_id(text);
        if (!id)
            return fail("--endpoint {}: must be 0x and up to 16 hexadecimal digits, or vpce-0 and 16", text);
        if (std::ranges::find(ids, *id) == ids.end())
            ids.push_back(*id);
    }
    return ids;
}

} // namespace

void Arguments::add_to(CLI::App &app) {
    app.add_option("--listen", listen, "UDP address and port to receive GENEVE on")
        ->type_name("ADDR:PORT")
        ->capture_default_str();
    app.add_option("--health", health, "HTTP address and port of /healthz and /counters, or \"none\"")
        ->type_name("ADDR:PORT")
        ->capture_default_str();
    app.add_option("--endpoint", endpoints, "endpoint whose TUN device is created at start; may be repeated")
        ->type_name("0x…|vpce-0…")
        ->allow_extra_args(false);
    app.add_flag("--listed-only", listed_only, "drop packets of endpoints not given by --endpoint");
    app.add_option("--max-endpoints", max_endpoints, "maximum number of TUN devices")
        ->check(CLI::Range(1, 4096))
        ->type_name("1..4096")
        ->capture_default_str();
    app.add_option("--node", nodes, "accept GENEVE from this address only; may be repeated")
        ->type_name("ADDR")
        ->allow_extra_args(false);
    app.add_flag("--reflect", reflect, "return all packets unchanged, without TUN devices and inspection");
    app.add_option("--threads", threads, "number of packet threads; 0: one per CPU")
        ->check(CLI::Range(0u, max_threads))
        ->type_name(fmt::format("0..{}", max_threads))
        ->capture_default_str();
    app.add_option("--mtu", mtu, "MTU of the TUN devices, and maximum size of inner packets")
        ->check(CLI::Range(1280, 65'535))
        ->type_name("1280..65535")
        ->capture_default_str();
    app.add_option("--table", table,
                   "routing table and packet mark of the first endpoint; incremented for others")
        ->check(CLI::Range(256, 61'440))
        ->type_name("256..61440")
        ->capture_default_str();
    app.add_option("--flows", flows, "maximum number of flows")
        ->check(CLI::Range(64, 16'777'216))
        ->type_name("64..16777216")
        ->capture_default_str();
    app.add_option("--flow-idle", flow_idle, "seconds without a packet after which a flow expires")
        ->check(CLI::Range(1, 86'400))
        ->type_name("1..86400")
        ->capture_default_str();
    app.add_option("--fault", fault,
                   "imitate a faulty appliance: stale-cookie returns an earlier header of the flow, "
                   "udp-checksum a wrong "
                   "outer checksum, silent returns nothing")
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
        return fail("--reflect: cannot be combined with --endpoint, since no TUN devices are created");
    if (options.endpoints.size() > max_endpoints)
        return fail("--endpoint: {} endpoints exceed --max-endpoints {}", options.endpoints.size(),
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
