#include "appliance/endpoints.h"

#include <algorithm>

#include "appliance/device_name.h"
#include "controller/util/endpoint_id.h"

namespace glb::appliance {
namespace {

constexpr auto retry_interval = std::chrono::seconds(10);
constexpr std::size_t max_rejected = 1024; // ids come from the network: bounds the memory

} // namespace

Endpoints::Endpoints(const Options &options, Log log, Watch watch, Netlink netlink)
    : options_(options), log_(std::move(log)), watch_(std::move(watch)), netlink_(std::move(netlink)) {}

Result<std::unique_ptr<Endpoints>> Endpoints::make(const Options &options, Log log, Watch watch) {
    GLB_TRY(prepare_namespace());
    GLB_ASSIGN(auto netlink, Netlink::open());
    GLB_TRY(remove_rules(netlink, options.table, options.max_endpoints));
    return std::unique_ptr<Endpoints>(
        new Endpoints(options, std::move(log), std::move(watch), std::move(netlink)));
}

Endpoints::~Endpoints() {
    const auto removed = remove_rules(netlink_, options_.table, options_.max_endpoints);
    if (!removed)
        log_(removed.error().message);
}

Status Endpoints::check_allowed(std::uint64_t id) const {
    if (options_.listed_only && std::ranges::find(options_.endpoints, id) == options_.endpoints.end())
        return fail("{} is not given by --endpoint (--listed-only)", format_endpoint_id(id));
    if (endpoints_.size() >= options_.max_endpoints)
        return fail("{} exceeds --max-endpoints {}", format_endpoint_id(id), options_.max_endpoints);
    const auto name = device_name(id);
    for (const auto &[other, endpoint] : endpoints_) {
        if (endpoint->device.name == name)
            return fail("{} and {} have the same device name {}", format_endpoint_id(id),
                        format_endpoint_id(other), name);
    }
    return {};
}

Result<std::unique_ptr<Endpoint>> Endpoints::create_endpoint(std::uint64_t id) {
    GLB_TRY(check_allowed(id));
    GLB_ASSIGN(auto tun, TunDevice::open(device_name(id), options_.threads));
    RoutedDevice device{.name = device_name(id),
                        .ifindex = tun.ifindex(),
                        .mtu = options_.mtu,
                        .table = options_.table + static_cast<std::uint32_t>(endpoints_.size())};
    GLB_TRY(route_device(netlink_, device));
    return std::make_unique<Endpoint>(
        Endpoint{id, std::move(device), std::move(tun), std::vector<EndpointTraffic>(options_.threads)});
}

Result<Endpoint *> Endpoints::add_locked(std::uint64_t id) {
    if (const auto found = endpoints_.find(id); found != endpoints_.end())
        return found->second.get();
    GLB_ASSIGN(auto created, create_endpoint(id));
    auto &endpoint = *endpoints_.emplace(id, std::move(created)).first->second;
    log_(fmt::format("endpoint {}: device {}, table and mark {}", format_endpoint_id(id),
                     endpoint.device.name, endpoint.device.table));
    watch_(endpoint);
    return &endpoint;
}

Result<Endpoint *> Endpoints::add(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    return add_locked(id);
}

Endpoint *Endpoints::for_packet(std::uint64_t id, TimePoint now) {
    const std::lock_guard lock(mutex_);
    if (const auto found = rejected_.find(id); found != rejected_.end() && now < found->second)
        return nullptr;
    const auto endpoint = add_locked(id);
    if (endpoint)
        return *endpoint;
    if (rejected_.size() >= max_rejected)
        rejected_.clear();
    rejected_[id] = now + retry_interval;
    log_(fmt::format("endpoint rejected: {}", endpoint.error().message));
    return nullptr;
}

void Endpoints::for_each(const std::function<void(const Endpoint &)> &visit) const {
    const std::lock_guard lock(mutex_);
    for (const auto &[id, endpoint] : endpoints_)
        visit(*endpoint);
}

} // namespace glb::appliance
