#include "appliance/worker.h"

#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "appliance/inner_packet.h"
#include "appliance/sockets.h"

namespace glb::appliance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int heartbeat_milliseconds = 500;

Status watch_fd(const Fd &poll, int fd, void *what) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = what;
    if (::epoll_ctl(poll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
        return fail_errno(errno, "cannot wait for packets (epoll)");
    return {};
}

ReturnPath return_path(const Arrival &arrival, Bytes header, std::uint16_t port) {
    ReturnPath path;
    path.node_address = arrival.from;
    path.local_address = arrival.to;
    path.entropy_port = arrival.source_port;
    path.port = port;
    path.header_length = static_cast<std::uint16_t>(header.size());
    std::ranges::copy(header, path.header.begin());
    return path;
}

} // namespace

Worker::Worker(unsigned index, const Options &options, FlowTable &flows, Fd receiver, Fd sender, Fd stop,
               Fd poll)
    : index_(index), options_(options), flows_(flows), receiver_(std::move(receiver)),
      sender_(std::move(sender)), stop_(std::move(stop)), poll_(std::move(poll)),
      incoming_(geneve_max_length + options.mtu), outgoing_(options.fault == Fault::udp_checksum),
      tun_buffer_(options.reflect ? 0 : batch_size * options.mtu), last_round_(Clock::now()) {}

Result<std::unique_ptr<Worker>> Worker::make(unsigned index, const Options &options, Fd receiver,
                                             FlowTable &flows) {
    GLB_ASSIGN(auto sender, open_sender());
    Fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    Fd poll(::epoll_create1(EPOLL_CLOEXEC));
    if (!stop || !poll)
        return fail_errno(errno, "cannot create a packet thread");
    std::unique_ptr<Worker> worker(new Worker(index, options, flows, std::move(receiver), std::move(sender),
                                              std::move(stop), std::move(poll)));
    // Event data: the Endpoint of a TUN queue, null for the UDP socket, the worker itself for stop.
    GLB_TRY(watch_fd(worker->poll_, worker->receiver_.get(), nullptr));
    GLB_TRY(watch_fd(worker->poll_, worker->stop_.get(), worker.get()));
    return worker;
}

void Worker::watch(Endpoint &endpoint) {
    // Fails only without memory or beyond the user's limit of watches; the queue then remains unread.
    if (!watch_fd(poll_, endpoint.tun.queue(index_), &endpoint))
        counters_.add(Counter::endpoint_refused);
}

void Worker::stop() {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one); // cannot fail: the counter never overflows
}

std::uint64_t Worker::socket_overruns() const {
    return overruns(receiver_.get());
}

void Worker::run(Endpoints *endpoints) {
    endpoints_ = endpoints;
    std::array<epoll_event, 64> events{};
    while (true) {
        const int count =
            ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), heartbeat_milliseconds);
        const auto now = Clock::now();
        last_round_.store(now, std::memory_order_relaxed);
        for (int i = 0; i < count; ++i) {
            void *const what = events[static_cast<std::size_t>(i)].data.ptr;
            if (what == this)
                return;
            if (!what)
                receive(now);
            else
                return_packets(*static_cast<Endpoint *>(what), now);
        }
    }
}

void Worker::receive(TimePoint now) {
    const auto count = incoming_.receive(receiver_.get());
    for (std::size_t i = 0; i < count; ++i)
        process(incoming_[i], now);
    outgoing_.flush(sender_.get(), counters_);
}

void Worker::process(const Arrival &arrival, TimePoint now) {
    counters_.add(Counter::received);
    if (!options_.nodes.empty() && !options_.nodes.contains(arrival.from))
        return counters_.add(Counter::unknown_node);
    if (arrival.truncated)
        return counters_.add(Counter::truncated);
    const auto packet = parse_geneve(arrival.payload);
    if (!packet)
        return counters_.add(packet.error());
    if (options_.fault == Fault::silent)
        return counters_.add(Counter::fault);

    const auto offset = static_cast<std::size_t>(packet->inner.data() - arrival.payload.data());
    propagate_ecn(arrival.payload.subspan(offset, packet->inner.size()), arrival.tos);
    const auto path = return_path(arrival, packet->header, options_.listen.port);
    if (options_.reflect)
        outgoing_.add(path, packet->inner); // both batches have the same size
    else
        inspect(*packet, path, now);
}

void Worker::inspect(const GenevePacket &packet, const ReturnPath &path, TimePoint now) {
    const auto key = flow_key(packet.endpoint, packet.inner);
    if (!key)
        return counters_.add(Counter::inner_malformed);
    auto *const endpoint = endpoint_of(packet.endpoint, now);
    if (!endpoint)
        return counters_.add(Counter::endpoint_refused);

    // Before the write: the kernel forwards during write(), and another thread may read the packet.
    const auto on_existing = options_.fault == Fault::stale_cookie ? OnExisting::keep : OnExisting::replace;
    flows_.insert(*key, path, on_existing, now);
    if (::write(endpoint->tun.queue(index_), packet.inner.data(), packet.inner.size()) < 0)
        return counters_.add(Counter::tun_write);
    counters_.add(Counter::inspected);
    endpoint->traffic[index_].record_in(packet.inner.size());
}

Endpoint *Worker::endpoint_of(std::uint64_t id, TimePoint now) {
    if (const auto found = endpoint_cache_.find(id); found != endpoint_cache_.end())
        return found->second;
    auto *const endpoint = endpoints_->for_packet(id, now);
    if (endpoint)
        endpoint_cache_.emplace(id, endpoint);
    return endpoint;
}

void Worker::return_packets(Endpoint &endpoint, TimePoint now) {
    const int queue = endpoint.tun.queue(index_);
    for (std::size_t i = 0; i < batch_size; ++i) {
        const std::span buffer(&tun_buffer_[i * options_.mtu], options_.mtu);
        const auto length = ::read(queue, buffer.data(), buffer.size());
        if (length <= 0)
            break;
        const Bytes packet = buffer.first(static_cast<std::size_t>(length));
        const auto key =
            ip_packet_length(packet) == packet.size() ? flow_key(endpoint.id, packet) : std::nullopt;
        if (!key) {
            counters_.add(Counter::tun_malformed);
            continue;
        }
        const auto path = flows_.find(*key, now);
        if (!path) {
            counters_.add(is_link_multicast(packet) ? Counter::link_chatter : Counter::unknown_flow);
            continue;
        }
        outgoing_.add(*path, packet);
        endpoint.traffic[index_].record_out(packet.size());
    }
    outgoing_.flush(sender_.get(), counters_);
}

} // namespace glb::appliance
