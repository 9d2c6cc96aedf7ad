// Random valid manifests: each member is set or left at its default at random.
#pragma once

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "controller/config/manifest.h"

namespace glb::test {

class ManifestMaker {
  public:
    explicit ManifestMaker(std::mt19937_64 &random) : random_(random) {}

    config::Manifest make() {
        config::Manifest out;
        fill(out.node);
        const auto groups = from(1, 4);
        for (std::uint64_t i = 0; i < groups; ++i)
            fill(out.target_groups.emplace_back(), i);
        const auto endpoints = from(0, 4);
        for (std::uint64_t i = 0; i < endpoints; ++i)
            fill(out.endpoints.emplace_back(), i, groups);
        if (chance())
            fill(out.flow_log.emplace());
        return out;
    }

  private:
    std::uint64_t from(std::uint64_t least, std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>(least, most)(random_);
    }
    bool chance() { return from(0, 1) == 1; }

    template <typename E>
    E any(E last) {
        return static_cast<E>(from(0, static_cast<std::uint64_t>(last)));
    }

    IpAddress address(bool v6_allowed) {
        const bool v6 = v6_allowed && chance();
        return *IpAddress::parse(v6 ? fmt::format("2001:db8::{:x}", from(2, 0xffff))
                                    : fmt::format("198.51.{}.{}", from(0, 255), from(0, 255)));
    }

    std::vector<std::uint16_t> vlans() {
        std::vector<std::uint16_t> out;
        for (auto tags = from(0, 2); tags > 0; --tags)
            out.push_back(static_cast<std::uint16_t>(from(1, 4094)));
        return out;
    }

    void fill(config::Node &out) {
        out.name = chance() ? "glb-a" : "";
        out.tunnel.interface = {"under0", vlans()};
        out.tunnel.address = *IpAddress::parse("192.0.2.1");
        if (chance())
            out.tunnel.address6 = *IpAddress::parse("2001:db8::1");
        out.tunnel.sender_mac = any(config::SenderMac::any);
        for (auto i = from(0, 3); i > 0; --i)
            out.own_addresses.push_back(*IpPrefix::parse(chance() ? "10.0.0.0/8" : "2001:db8::/48"));
        out.mark_mask = chance() ? out.mark_mask : 0xfffff000;
        out.flow_table_capacity = static_cast<std::uint32_t>(from(4096, 16777216));
        if (chance()) {
            out.hash_seed.emplace(from(8, 32));
            for (auto &byte : *out.hash_seed)
                byte = static_cast<std::uint8_t>(from(0, 255));
        }
        out.xdp = any(config::XdpSharing::shared);
        out.xdp_mode = any(config::XdpMode::generic);
    }

    void fill(config::Endpoint &out, std::uint64_t index, std::uint64_t groups) {
        out.name = fmt::format("e{}", index);
        out.id = from(0, ~std::uint64_t{0} / 4 - 1) * 4 + index + 1;
        out.id_text = chance() ? fmt::format("vpce-0{:016x}", out.id) : fmt::format("0x{:X}", out.id);
        out.attachment_id = chance() ? 0 : from(0, ~std::uint64_t{0});
        out.mode = any(config::EndpointMode::inline_pair);
        for (const auto *side : {"a", "b"})
            out.interfaces.push_back({fmt::format("{}{}", side, index), vlans()});
        out.route_table =
            chance() ? config::main_route_table : static_cast<std::uint32_t>(from(1, 0xffffffff));
        out.target_group = fmt::format("g{}", from(0, groups - 1));
        out.when_detached = any(config::WhenDetached::pass);
        if (chance()) {
            auto &clamp = out.mss_clamp.emplace();
            clamp.kind = any(config::MssClamp::Kind::fixed);
            if (clamp.kind == config::MssClamp::Kind::fixed)
                clamp.bytes = static_cast<std::uint16_t>(from(536, 8960));
        }
        out.too_big_without_df = any(config::TooBigWithoutDf::fragment);
        out.non_ip = any(config::NonIp::drop);
        out.link_state = any(config::LinkState::ignore);
        out.new_flows_per_source_per_second = static_cast<std::uint32_t>(from(0, 1000000));
    }

    void fill(config::HealthCheck &out) {
        out.protocol = any(config::ProbeProtocol::none);
        out.port = static_cast<std::uint16_t>(from(1, 65535));
        out.path = chance() ? "/" : "/health?x=1";
        out.host = chance() ? "" : "fw.example:8080";
        if (chance())
            out.matcher = {{200, 200}, {static_cast<std::uint16_t>(from(201, 300)), 599}};
        out.ca_file = chance() ? "" : "/etc/glb/ca.pem";
        out.timeout = std::chrono::milliseconds(from(50, 120000));
        out.interval =
            std::chrono::milliseconds(from(std::max<std::uint64_t>(100, out.timeout.count()), 300000));
        out.healthy_threshold = static_cast<std::uint8_t>(from(1, 10));
        out.unhealthy_threshold = static_cast<std::uint8_t>(from(1, 10));
        if (chance())
            out.in_band = {*IpAddress::parse("2001:db8::a"), *IpAddress::parse("2001:db8::b"), 53};
        out.passive.enabled = chance();
        if (out.passive.enabled && chance())
            out.passive.window = std::chrono::milliseconds(from(20, 60000));
        out.max_ejected_percent = static_cast<std::uint8_t>(from(1, 100));
    }

    void fill(config::TargetGroup &out, std::uint64_t index) {
        out.name = fmt::format("g{}", index);
        out.stickiness = any(config::Stickiness::tuple2);
        out.idle_tcp = std::chrono::seconds(from(60, 6000));
        out.idle_other = std::chrono::seconds(from(10, 6000));
        out.deregistration_delay = std::chrono::seconds(from(0, 3600));
        out.on_unhealthy = any(config::FailurePolicy::reset);
        out.on_deregistered = any(config::FailurePolicy::reset);
        out.on_all_unhealthy = any(config::AllUnhealthyPolicy::drop);
        out.cookie = any(config::CookiePolicy::strict);
        out.egress = any(config::Egress::appliance);
        if (chance())
            fill(out.health_check);
        const auto port = static_cast<std::uint16_t>(index % 2 == 0 ? 6081 : from(1, 65535));
        for (auto i = from(0, 5); i > 0; --i) {
            auto &target = out.targets.emplace_back();
            target.id = fmt::format("t{}", i);
            do
                target.address = address(true);
            while (std::count_if(out.targets.begin(), out.targets.end(), [&](const config::Target &other) {
                       return other.address == target.address;
                   }) > 1);
            target.port = port;
            target.weight = static_cast<std::uint16_t>(from(0, 1000));
            target.udp_checksum = any(config::UdpChecksum::computed);
        }
    }

    void fill(config::FlowLog &out) {
        out.file = chance() ? "/var/log/glb/flows" : "";
        out.max_bytes = from(65536, std::uint64_t{1} << 53);
        out.keep = static_cast<std::uint32_t>(from(1, 1000));
        out.interval = std::chrono::seconds(from(1, 3600));
        if (out.file.empty() || chance())
            out.ipfix = config::IpfixCollector{address(true), static_cast<std::uint16_t>(from(1, 65535))};
    }

    std::mt19937_64 &random_;
};

inline config::Manifest random_manifest(std::mt19937_64 &random) {
    return ManifestMaker(random).make();
}

} // namespace glb::test
