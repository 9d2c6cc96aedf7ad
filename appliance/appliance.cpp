#include "appliance/appliance.h"

#include <algorithm>
#include <random>

#include <unistd.h>

#include "appliance/sockets.h"

namespace glb::appliance {
namespace {

constexpr auto stuck_after = std::chrono::seconds(5);

std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

} // namespace

Appliance::Appliance(const Options &options) : flows_(options.flows, options.flow_idle, random_seed()) {}

Status Appliance::create_workers(const Options &options) {
    GLB_ASSIGN(auto receivers, open_receivers(options.listen, options.threads));
    for (unsigned i = 0; i < options.threads; ++i) {
        GLB_ASSIGN(auto worker, Worker::make(i, options, std::move(receivers[i]), flows_));
        workers_.push_back(std::move(worker));
    }
    return {};
}

Status Appliance::create_endpoints(const Options &options, Endpoints::Log log) {
    const auto watch = [this](Endpoint &endpoint) {
        for (const auto &worker : workers_)
            worker->watch(endpoint);
    };
    GLB_ASSIGN(endpoints_, Endpoints::make(options, std::move(log), watch));
    for (const auto id : options.endpoints)
        GLB_TRY(endpoints_->add(id));
    return {};
}

Result<std::unique_ptr<Appliance>> Appliance::start(const Options &options, Endpoints::Log log) {
    if (::geteuid() != 0)
        return fail("must be run as root: opens raw sockets and creates network devices");
    std::unique_ptr<Appliance> appliance(new Appliance(options));
    GLB_TRY(appliance->create_workers(options));
    if (!options.reflect)
        GLB_TRY(appliance->create_endpoints(options, std::move(log)));
    for (const auto &worker : appliance->workers_)
        appliance->threads_.emplace_back(
            [&worker = *worker, endpoints = appliance->endpoints_.get()] { worker.run(endpoints); });
    return appliance;
}

Appliance::~Appliance() {
    for (const auto &worker : workers_)
        worker->stop();
    for (auto &thread : threads_)
        thread.join();
}

bool Appliance::alive(TimePoint now) const {
    return std::ranges::all_of(workers_,
                               [&](const auto &worker) { return now - worker->last_round() < stuck_after; });
}

Snapshot Appliance::snapshot() const {
    Snapshot result;
    result.flows = flows_.size();
    for (const auto &worker : workers_) {
        result.socket_overruns += worker->socket_overruns();
        for (std::size_t i = 0; i < counter_count; ++i)
            result.counters[i] += worker->counters().get(static_cast<Counter>(i));
    }
    if (!endpoints_)
        return result;
    endpoints_->for_each([&](const Endpoint &endpoint) {
        EndpointSnapshot part{
            .id = endpoint.id, .device = endpoint.device.name, .table = endpoint.device.table};
        for (const auto &traffic : endpoint.traffic) {
            part.packets_in += traffic.packets_in.load(std::memory_order_relaxed);
            part.bytes_in += traffic.bytes_in.load(std::memory_order_relaxed);
            part.packets_back += traffic.packets_back.load(std::memory_order_relaxed);
            part.bytes_back += traffic.bytes_back.load(std::memory_order_relaxed);
        }
        result.endpoints.push_back(std::move(part));
    });
    return result;
}

} // namespace glb::appliance
