#include "controller/config/semantic_checks.h"

#include <bit>
#include <map>
#include <set>

#include <fmt/format.h>

#include "abi/config.h"
#include "controller/config/json_document.h"
#include "controller/config/object_reader.h"
#include "controller/config/suggestions.h"

namespace glb::config {

namespace {

// The limits of the manifest are the sizes of the data path's tables.
static_assert(manifest_limits::interface_pairs == GLB_MAX_PORTS);
static_assert(manifest_limits::endpoints == GLB_MAX_ENDPOINTS);
static_assert(manifest_limits::target_groups == GLB_MAX_GROUPS);
static_assert(manifest_limits::targets == GLB_MAX_TARGETS);

class Checker {
  public:
    Checker(const Manifest &manifest, std::vector<ManifestError> &errors)
        : manifest_(manifest), errors_(errors) {}

    void check_node();
    void check_names();
    void check_endpoints();
    void check_interfaces();
    void check_target_groups();
    void check_targets();
    void check_flow_log();
    void check_limits();

  private:
    template <typename... Args>
    void add_error(std::string pointer, fmt::format_string<Args...> message, Args &&...args) {
        if (errors_.size() < max_manifest_errors)
            errors_.push_back({std::move(pointer), fmt::format(message, std::forward<Args>(args)...)});
    }

    /// Adds an error that names the first use if `value` is in `seen`; otherwise inserts it.
    template <typename Key>
    void require_unique(std::map<Key, std::string> &seen, const Key &value, const std::string &pointer,
                        std::string_view what) {
        const auto [first, is_new] = seen.emplace(value, pointer);
        if (!is_new)
            add_error(pointer, "{} is already used by {}", what, first->second);
    }

    template <typename Size>
    void check_limit(std::string_view pointer, std::size_t count, Size limit, std::string_view what) {
        if (count > limit)
            add_error(std::string(pointer), "{} {} exceed the limit of {}", count, what, limit);
    }

    void check_health_check(const HealthCheck &check, const std::string &pointer);

    const Manifest &manifest_;
    std::vector<ManifestError> &errors_;
};

bool is_contiguous(std::uint32_t mask) {
    const auto shifted = mask == 0 ? 0 : mask >> std::countr_zero(mask);
    return mask != 0 && (shifted & (shifted + 1)) == 0; // also for all 32 bits: 0xffffffff + 1 is 0
}

void Checker::check_node() {
    const auto mask = manifest_.node.mark_mask;
    if (!is_contiguous(mask) || std::popcount(mask) < 12)
        add_error("/node/markMask", "must be 12 or more adjacent bits, like 0x0fff0000");
}

void Checker::check_names() {
    std::map<std::string, std::string> endpoints, groups;
    std::map<std::uint64_t, std::string> ids;
    for (std::size_t i = 0; i < manifest_.endpoints.size(); ++i) {
        const auto &endpoint = manifest_.endpoints[i];
        const auto pointer = pointer_to("/endpoints", i);
        if (!endpoint.name.empty())
            require_unique(endpoints, endpoint.name, pointer + "/name", "this name");
        if (endpoint.id != 0)
            require_unique(ids, endpoint.id, pointer + "/id", "this id");
        if (endpoint.id == GLB_IN_BAND_ENDPOINT)
            add_error(pointer + "/id", "is reserved for health probes");
    }
    for (std::size_t i = 0; i < manifest_.target_groups.size(); ++i)
        if (const auto &name = manifest_.target_groups[i].name; !name.empty())
            require_unique(groups, name, pointer_to("/targetGroups", i) + "/name", "this name");
}

void Checker::check_endpoints() {
    std::vector<std::string_view> groups;
    for (const auto &group : manifest_.target_groups)
        if (!group.name.empty())
            groups.push_back(group.name);
    for (std::size_t i = 0; i < manifest_.endpoints.size(); ++i) {
        const auto &endpoint = manifest_.endpoints[i];
        const auto pointer = pointer_to("/endpoints", i);
        if (!endpoint.target_group.empty() &&
            std::find(groups.begin(), groups.end(), endpoint.target_group) == groups.end())
            add_error(pointer + "/targetGroup", "there is no target group \"{}\"{}", endpoint.target_group,
                      suggest_or_list(endpoint.target_group, groups));
    }
}

void Checker::check_interfaces() {
    const auto &tunnel = manifest_.node.tunnel.interface;
    std::map<InterfaceRef, std::string> seen;
    std::set<InterfaceRef> all;
    if (!tunnel.name.empty())
        all.insert(tunnel);
    for (std::size_t i = 0; i < manifest_.endpoints.size(); ++i) {
        const auto &endpoint = manifest_.endpoints[i];
        const auto list = pointer_to("/endpoints", i) + "/interfaces";
        const bool is_inline = endpoint.mode == EndpointMode::inline_pair;
        if (is_inline && endpoint.interfaces.size() != 2)
            add_error(list, "an inline endpoint must have exactly two interfaces; this one has {}",
                      endpoint.interfaces.size());
        for (std::size_t j = 0; j < endpoint.interfaces.size(); ++j) {
            const auto &interface = endpoint.interfaces[j];
            if (interface.name.empty())
                continue;
            all.insert(interface);
            require_unique(seen, interface, pointer_to(list, j), to_string(interface));
            if (is_inline && interface == tunnel)
                add_error(pointer_to(list, j),
                          "{} is the tunnel's interface; an inline endpoint cannot share it",
                          to_string(interface));
        }
    }
    check_limit("/endpoints", all.size(), manifest_limits::interface_pairs, "pairs of interface and VLAN");
}

void Checker::check_health_check(const HealthCheck &check, const std::string &pointer) {
    if (check.timeout > check.interval)
        add_error(pointer + "/timeoutSeconds", "is {:g}; must not exceed intervalSeconds, {:g}",
                  static_cast<double>(check.timeout.count()) / 1000,
                  static_cast<double>(check.interval.count()) / 1000);
    if (check.in_band.source.family != check.in_band.destination.family)
        add_error(pointer + "/inBand", "source and destination must have the same IP version");
    else if (check.in_band.source == check.in_band.destination)
        add_error(pointer + "/inBand/destination", "must differ from the source");
}

void Checker::check_target_groups() {
    for (std::size_t i = 0; i < manifest_.target_groups.size(); ++i)
        check_health_check(manifest_.target_groups[i].health_check,
                           pointer_to("/targetGroups", i) + "/healthCheck");
}

void Checker::check_targets() {
    const auto &tunnel = manifest_.node.tunnel;
    std::set<std::uint16_t> ports{GLB_GENEVE_PORT}; // always a port of the data path
    for (std::size_t i = 0; i < manifest_.target_groups.size(); ++i) {
        std::map<std::string, std::string> ids;
        std::map<std::pair<IpAddress, std::uint16_t>, std::string> sockets;
        const auto &targets = manifest_.target_groups[i].targets;
        for (std::size_t j = 0; j < targets.size(); ++j) {
            const auto &[id, address, port, weight, checksum] = targets[j];
            const auto pointer = pointer_to(pointer_to("/targetGroups", i) + "/targets", j);
            if (!id.empty())
                require_unique(ids, id, pointer + "/id", "this id");
            if (address.family == 0)
                continue;
            require_unique(sockets, {address, port}, pointer + "/address",
                           fmt::format("{} port {}", address.to_string(), port));
            if (address == tunnel.address || address == tunnel.address6)
                add_error(pointer + "/address", "is the tunnel's address: a target must be another host");
            if (ports.insert(port).second && ports.size() > GLB_MAX_GENEVE_PORTS)
                add_error(pointer + "/port",
                          "exceeds the limit of {} distinct GENEVE ports in all groups, including {}",
                          GLB_MAX_GENEVE_PORTS, GLB_GENEVE_PORT);
        }
    }
}

void Checker::check_flow_log() {
    if (manifest_.flow_log && manifest_.flow_log->file.empty() && !manifest_.flow_log->ipfix)
        add_error("/flowLog", "has no destination: set \"file\", \"ipfix\" or both");
}

void Checker::check_limits() {
    std::size_t targets = 0;
    for (const auto &group : manifest_.target_groups)
        targets += group.targets.size();
    check_limit("/endpoints", manifest_.endpoints.size(), manifest_limits::endpoints, "endpoints");
    check_limit("/targetGroups", manifest_.target_groups.size(), manifest_limits::target_groups,
                "target groups");
    check_limit("/targetGroups", targets, manifest_limits::targets, "targets in all groups together");
    check_limit("/node/ownAddresses", manifest_.node.own_addresses.size(), manifest_limits::own_addresses,
                "prefixes");
}

} // namespace

void check_manifest(const Manifest &manifest, std::vector<ManifestError> &errors) {
    Checker checker(manifest, errors);
    checker.check_node();
    checker.check_names();
    checker.check_endpoints();
    checker.check_interfaces();
    checker.check_target_groups();
    checker.check_targets();
    checker.check_flow_log();
    checker.check_limits();
}

} // namespace glb::config
