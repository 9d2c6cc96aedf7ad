// Two tenants with equal addresses behind one node, each with an endpoint and a routing table of its own.
//
//   client a 192.0.2.10 ── cli-a ┐        ┌ srv-a ── 198.51.100.20 server a
//                                 node ───
//   client b 192.0.2.10 ── cli-b ┘  under0└ srv-b ── 198.51.100.20 server b
//                                   10.1.0.1 ── bridge ── appliances 10.1.0.11, .12, .13
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/netns/testbed/appliance.h"
#include "tests/netns/testbed/testbeds.h"

namespace glb::test {

/// Each appliance marks what it inspects (inspected_tos). The main routing table of the node leads to tenant a: what
/// of tenant b is routed by it meets the wrong tenant.
class TwoTenants {
  public:
    TwoTenants();

    [[nodiscard]] json manifest() const;

    struct Tenant {
        std::string name;
        Namespace client, server;
        explicit Tenant(const std::string &letter);
    };

    Namespace node, fabric;
    Tenant a, b;
    std::vector<std::unique_ptr<Appliance>> appliances;
    const std::vector<std::string> devices = {"cli-a", "srv-a", "cli-b", "srv-b", "under0"};

  private:
    void wire(const Tenant &tenant, const std::string &table);

    std::vector<XdpPass> passes_;
};

} // namespace glb::test
