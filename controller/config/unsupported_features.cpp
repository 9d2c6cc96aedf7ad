#include "controller/config/unsupported_features.h"

#include <fmt/format.h>

#include "controller/config/enum_strings.h"
#include "controller/config/formats.h"
#include "controller/config/object_reader.h"

namespace glb {

namespace {

class FeatureGate {
  public:
    /// Notes `what` at `pointer` where `asked`.
    void note(bool asked, std::string pointer, std::string_view what) {
        if (asked)
            errors_.push_back({std::move(pointer), fmt::format("{}: not yet supported", what)});
    }

    void node(const Node &node);
    void endpoint(const Endpoint &endpoint, const std::string &at);
    void target_group(const TargetGroup &group, const std::string &at);
    void health_check(const HealthCheck &check, const std::string &at);
    void target(const Target &target, const std::string &at);

    std::vector<ManifestError> take() && { return std::move(errors_); }

  private:
    std::vector<ManifestError> errors_;
};

void FeatureGate::node(const Node &node) {
    note(node.xdp == XdpSharing::shared, "/node/xdp", "sharing interfaces with other XDP programs");
    note(node.tunnel.address6.has_value(), "/node/tunnel/address6", "a tunnel over IPv6");
}

void FeatureGate::endpoint(const Endpoint &endpoint, const std::string &at) {
    const Endpoint defaults;
    note(endpoint.mode == EndpointMode::inline_pair, at + "/mode", "an inline endpoint");
    note(endpoint.mss_clamp.has_value(), at + "/mssClamp", "clamping the MSS");
    note(endpoint.too_big_without_df == TooBigWithoutDf::fragment, at + "/tooBigWithoutDf", "fragmenting");
    note(endpoint.non_ip != defaults.non_ip, at + "/nonIp", "a choice for what is not IP");
    note(endpoint.link_state != defaults.link_state, at + "/linkState", "a choice for the state of links");
}

void FeatureGate::health_check(const HealthCheck &check, const std::string &at) {
    note(check.in_band.source.family == 6, at + "/inBand", "probes through the target by IPv6");
}

void FeatureGate::target(const Target &target, const std::string &at) {
    note(target.address.family == 6, at + "/address", "a target with an IPv6 address");
    note(target.udp_checksum == UdpChecksum::computed, at + "/udpChecksum", "a computed UDP checksum");
}

void FeatureGate::target_group(const TargetGroup &group, const std::string &at) {
    note(group.egress == Egress::appliance, at + "/egress", "appliances that send on by themselves");
    health_check(group.health_check, at + "/healthCheck");
    for (std::size_t i = 0; i < group.targets.size(); ++i)
        target(group.targets[i], pointer_to(at + "/targets", i));
}

} // namespace

std::vector<ManifestError> not_yet_supported(const Manifest &manifest) {
    FeatureGate asks;
    asks.node(manifest.node);
    for (std::size_t i = 0; i < manifest.endpoints.size(); ++i)
        asks.endpoint(manifest.endpoints[i], pointer_to("/endpoints", i));
    for (std::size_t i = 0; i < manifest.target_groups.size(); ++i)
        asks.target_group(manifest.target_groups[i], pointer_to("/targetGroups", i));
    asks.note(manifest.flow_log.has_value(), "/flowLog", "a flow log");
    return std::move(asks).take();
}

Result<Manifest, std::vector<ManifestError>> parse_supported_manifest(std::string_view text) {
    auto [manifest, errors] = parse_unchecked(text);
    for (auto &asked : not_yet_supported(manifest))
        if (errors.size() < max_manifest_errors)
            errors.push_back(std::move(asked));
    if (!errors.empty())
        return tl::unexpected(std::move(errors));
    return std::move(manifest);
}

} // namespace glb
