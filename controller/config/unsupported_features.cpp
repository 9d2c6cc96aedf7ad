#include "controller/config/unsupported_features.h"

#include <fmt/format.h>

#include "controller/config/enum_strings.h"
#include "controller/config/formats.h"
#include "controller/config/object_reader.h"

namespace glb::config {

namespace {

class FeatureGate {
  public:
    /// Adds an error at `pointer` if the feature `what` is requested.
    void check(bool requested, std::string pointer, std::string_view what) {
        if (requested)
            errors_.push_back({std::move(pointer), fmt::format("{}: not yet supported", what)});
    }

    void node(const Node &node);
    void endpoint(const Endpoint &endpoint, const std::string &at);
    void target_group(const TargetGroup &group, const std::string &at);
    void health_check(const HealthCheck &check, const std::string &at);
    void target(const Target &target, const std::string &at);

    std::vector<ManifestError> errors() && { return std::move(errors_); }

  private:
    std::vector<ManifestError> errors_;
};

void FeatureGate::node(const Node &node) {
    check(node.xdp == XdpSharing::shared, "/node/xdp", "sharing of interfaces with other XDP programs");
    check(node.tunnel.address6.has_value(), "/node/tunnel/address6", "a tunnel over IPv6");
}

void FeatureGate::endpoint(const Endpoint &endpoint, const std::string &at) {
    const Endpoint defaults;
    check(endpoint.mode == EndpointMode::inline_pair, at + "/mode", "an inline endpoint");
    check(endpoint.mss_clamp.has_value(), at + "/mssClamp", "MSS clamping");
    check(endpoint.too_big_without_df == TooBigWithoutDf::fragment, at + "/tooBigWithoutDf", "fragmentation");
    check(endpoint.non_ip != defaults.non_ip, at + "/nonIp", "a policy for non-IP packets");
    check(endpoint.link_state != defaults.link_state, at + "/linkState", "a policy for the link state");
}

void FeatureGate::health_check(const HealthCheck &settings, const std::string &at) {
    check(settings.in_band.source.family == 6, at + "/inBand", "in-band probes over IPv6");
}

void FeatureGate::target(const Target &target, const std::string &at) {
    check(target.address.family == 6, at + "/address", "a target with an IPv6 address");
    check(target.udp_checksum == UdpChecksum::computed, at + "/udpChecksum", "a computed UDP checksum");
}

void FeatureGate::target_group(const TargetGroup &group, const std::string &at) {
    check(group.egress == Egress::appliance, at + "/egress", "egress by the appliance");
    health_check(group.health_check, at + "/healthCheck");
    for (std::size_t i = 0; i < group.targets.size(); ++i)
        target(group.targets[i], pointer_to(at + "/targets", i));
}

} // namespace

std::vector<ManifestError> unsupported_features(const Manifest &manifest) {
    FeatureGate gate;
    gate.node(manifest.node);
    for (std::size_t i = 0; i < manifest.endpoints.size(); ++i)
        gate.endpoint(manifest.endpoints[i], pointer_to("/endpoints", i));
    for (std::size_t i = 0; i < manifest.target_groups.size(); ++i)
        gate.target_group(manifest.target_groups[i], pointer_to("/targetGroups", i));
    gate.check(manifest.flow_log.has_value(), "/flowLog", "a flow log");
    return std::move(gate).errors();
}

Result<Manifest, std::vector<ManifestError>> parse_supported_manifest(std::string_view text) {
    auto [manifest, errors] = parse_unchecked(text);
    for (auto &error : unsupported_features(manifest))
        if (errors.size() < max_manifest_errors)
            errors.push_back(std::move(error));
    if (!errors.empty())
        return tl::unexpected(std::move(errors));
    return std::move(manifest);
}

} // namespace glb::config
