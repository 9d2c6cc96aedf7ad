// The networks of the tests: hosts, links, addresses, appliances, and a manifest for them.
//
//   client 192.0.2.10 ── cli0 node srv0 ── 198.51.100.20 server      addresses of IPv6: 2001:db8:1::10 and
//                             under0 10.1.0.1                        2001:db8:2::20; behind the client also
//                                │ bridge                            203.0.113.0/24 and 2001:db8:3::/64
//                      10.1.0.11, .12, … appliances
#pragma once

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/netns/testbed/appliance.h"
#include "tests/netns/testbed/daemon.h"
#include "tests/netns/testbed/flows.h"

namespace glb::test {

struct TestbedOptions {
    unsigned appliances = 1;
    ApplianceKind kind = ApplianceKind::hairpin;
    unsigned underlay_mtu = 1600;
};

/// Client, server and tunnel on one interface each. The node is the router between client and server.
class TwoArm {
  public:
    static constexpr auto client_address = "192.0.2.10", server_address = "198.51.100.20";
    static constexpr auto client_address6 = "2001:db8:1::10", server_address6 = "2001:db8:2::20";
    static constexpr auto node_address = "10.1.0.1";

    explicit TwoArm(const TestbedOptions &options = {});

    /// One endpoint `branch` on cli0 and srv0, one group `firewalls` of all appliances, weight 1.
    [[nodiscard]] json manifest() const;

    /// Detaches the peers' XDP programs: frames redirected natively to those veths are lost from now on.
    void detach_peer_programs();

    /// Detaches the server's XDP program, so that a test can attach its own.
    void free_server_hook() { passes_.pop_back(); }

    Namespace client, node, server, fabric;
    std::vector<std::unique_ptr<Appliance>> appliances;
    const std::vector<std::string> devices = {"cli0", "srv0", "under0"};

  private:
    void wire_hosts(unsigned underlay_mtu);

    std::vector<XdpPass> passes_;
};

/// One interface, `one0`, for client, server and tunnel, behind a router that sends everything to the node.
class OneArm {
  public:
    explicit OneArm(const TestbedOptions &options = {});
    [[nodiscard]] json manifest() const;

    Namespace client, node, server, router;
    std::vector<std::unique_ptr<Appliance>> appliances;
    const std::vector<std::string> devices = {"one0"};

  private:
    std::vector<XdpPass> passes_;
};

/// A manifest with an endpoint `branch` on `interfaces` and the group `firewalls` of `appliances`.
[[nodiscard]] json manifest_of(const std::vector<json> &interfaces, const std::string &tunnel,
                               const std::vector<std::unique_ptr<Appliance>> &appliances);

/// `count` distinct flows to the server's `port`, half of them IPv6, from random addresses behind the client.
[[nodiscard]] std::vector<FlowTuple> random_flows(std::size_t count, std::uint16_t port,
                                                  std::uint32_t seed = 1);

/// Waits until `count` has not changed for 300 ms, longer than a delayed acknowledgement takes; at most 10 s.
void wait_until_idle(const std::function<std::uint64_t()> &count);

/// Packets with a wrong TCP, UDP or ICMP checksum received by a namespace.
[[nodiscard]] std::uint64_t checksum_errors(const Namespace &ns);

/// True if `count` pings, `interval` seconds apart, are all answered.
[[nodiscard]] bool ping(const Namespace &from, const std::string &to, unsigned count = 3,
                        const std::string &interval = "0.05");

} // namespace glb::test
