// A node with interfaces in a network namespace, and a guard on it.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "controller/guard/guard.h"
#include "tests/harness/netns.h"
#include "tests/harness/traffic.h"
#include "tests/netns/guard_unprivileged/fake_programs.h"

namespace glb::test {

using Lines = std::vector<std::string>;
using Conditions = std::vector<Condition>;

[[nodiscard]] inline bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

/// The interfaces eth0 and eth1. `eth1` has rp_filter 1 and send_redirects 1, `eth0` both 0.
struct GuardedNode {
    GuardedNode();
    void add_interface(const std::string &name) const;

    /// A plan of endpoint 0 with these interfaces, which need not exist.
    [[nodiscard]] plan::GuardPlan plan(const Lines &interfaces = {"eth0", "eth1"},
                                       std::uint32_t route_table = 0) const;

    /// nftables without counters, sorted routing rules, qdiscs and filters, and the sysctls of eth0 and eth1.
    [[nodiscard]] std::string state() const;
    [[nodiscard]] std::string table() const;                           ///< without the counter's value
    [[nodiscard]] Lines rules(const std::string &family = "-4") const; ///< other than the kernel's three
    /// Below /proc/sys, without the newline.
    [[nodiscard]] std::string sysctl(const std::string &key) const;
    [[nodiscard]] bool has_clsact(const std::string &interface) const;
    /// The program of the guard's filter; null if there is no filter.
    [[nodiscard]] const FakeProgram *filter(const std::string &interface) const;
    /// Runs a shell command; throws if it fails.
    std::string run(const std::string &command) const { return ns.must({"sh", "-ec", command}); }

    /// Until writable(), the state file cannot be written: its folder has another name.
    void read_only() const;
    void writable() const;

    Namespace ns{"gu"};
    TempFolder folder;
    guard::GuardPaths paths{folder.path() / "pins", folder.path() / "state" / "guard.json"};
    FakePrograms programs;
};

/// A Guard whose operations run in the node's namespace.
class NodeGuard {
  public:
    explicit NodeGuard(const GuardedNode &node) : NodeGuard(node, node.paths) {}
    NodeGuard(const GuardedNode &node, const guard::GuardPaths &paths);

    Status install(const plan::GuardPlan &plan);
    Status set_magic(std::uint32_t magic);
    Status remove();
    Status check_owner();
    Result<bool> restore(const Lines &known_devices);
    Result<std::optional<std::string>> collect(bool dry_run);
    guard::GuardReport check();
    Lines repaired() { return check().repaired; }
    std::uint64_t uninspected();
    /// Whether a notification of the kernel is pending. Consumes all.
    bool is_notified();
    [[nodiscard]] const guard::Guard &get() const { return guard_; }

  private:
    const GuardedNode &node_;
    guard::Guard guard_;
};

} // namespace glb::test
