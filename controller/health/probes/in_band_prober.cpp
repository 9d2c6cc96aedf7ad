#include "controller/health/probes/in_band_prober.h"

#include <algorithm>

namespace glb::health {
namespace {

using namespace std::chrono_literals;
using boost::system::error_code;

constexpr auto answer_timeout = 1s; // to probe_now()

} // namespace

InBandProber::InBandProber(boost::asio::io_context &loop, OnResult on_result)
    : loop_(loop), on_result_(std::move(on_result)), random_(std::random_device{}()) {}

InBandProber::~InBandProber() {
    set_targets({}, source_);
}

// Timer handlers hold no owning pointer, so a timer that has expired before its target was removed finds
// none.
void InBandProber::set_targets(const std::vector<InBandTarget> &targets, const IpAddress &source) {
    if (source != source_) {
        sockets_ = {};
        source_ = source;
    }
    auto previous = std::exchange(targets_, {});
    for (const auto &target : targets) {
        if (targets_.contains(target.key))
            continue;
        if (const auto known = previous.find(target.key);
            known != previous.end() && known->second->target == target) {
            targets_.insert(previous.extract(known));
            continue;
        }
        auto periodic = std::make_shared<Periodic>(loop_, target);
        const auto longest = std::min(target.interval, max_start_delay);
        std::uniform_int_distribution<std::chrono::milliseconds::rep> delay(0, longest.count());
        periodic->due = Clock::now() + std::chrono::milliseconds(delay(random_));
        wait_until_due(periodic);
        targets_.emplace(target.key, std::move(periodic));
    }
    for (const auto &[key, periodic] : previous) {
        periodic->timer.cancel();
        if (periodic->outstanding)
            outstanding_.erase(*periodic->outstanding);
    }
}

void InBandProber::wait_until_due(const std::shared_ptr<Periodic> &periodic) {
    periodic->timer.expires_at(periodic->due);
    periodic->timer.async_wait([this, weak = std::weak_ptr(periodic)](const error_code &error) {
        if (const auto alive = weak.lock(); alive && !error)
            probe(alive);
    });
}

void InBandProber::probe(const std::shared_ptr<Periodic> &periodic) {
    const auto nonce = random_nonce();
    periodic->sent = Clock::now();
    if (const auto sent = send(periodic->target, nonce); !sent) {
        const InBandResult result{InBandResult::Outcome::unsent, true, periodic->sent, 0ns,
                                  sent.error().message};
        resume(periodic);
        on_result_(periodic->target.key, result);
        return;
    }
    periodic->outstanding = nonce;
    outstanding_.emplace(nonce, periodic->target.key);
    periodic->timer.expires_at(periodic->sent + periodic->target.timeout);
    periodic->timer.async_wait([this, weak = std::weak_ptr(periodic), nonce](const error_code &error) {
        // The answer may have arrived after this handler was queued.
        if (const auto alive = weak.lock(); alive && !error && alive->outstanding == nonce)
            on_timeout(alive);
    });
}

void InBandProber::on_timeout(const std::shared_ptr<Periodic> &periodic) {
    outstanding_.erase(*periodic->outstanding);
    resume(periodic);
    on_result_(periodic->target.key,
               {InBandResult::Outcome::unanswered, true, periodic->sent, Clock::now() - periodic->sent, ""});
}

void InBandProber::resume(const std::shared_ptr<Periodic> &periodic) {
    periodic->outstanding.reset();
    periodic->due = std::max(periodic->due + periodic->target.interval, Clock::now());
    wait_until_due(periodic);
}

Status InBandProber::send(const InBandTarget &target, std::uint64_t nonce) {
    auto &socket = sockets_[next_socket_];
    next_socket_ = (next_socket_ + 1) % socket_count;
    if (!socket) {
        GLB_ASSIGN(socket, open_in_band_socket(source_));
    }
    return send_in_band(socket, target.address, target.port, target.inner, nonce);
}

Status InBandProber::probe_now(const std::string &key) {
    const auto found = targets_.find(key);
    if (found == targets_.end())
        return fail("target {} is not probed in-band", key);
    const auto now = Clock::now();
    std::erase_if(requested_, [&](const auto &row) { return now - row.second.sent > answer_timeout; });
    const auto nonce = random_nonce();
    GLB_TRY(send(found->second->target, nonce));
    requested_.emplace(nonce, Requested{key, found->second->target.address, now});
    return {};
}

void InBandProber::on_event(const IpAddress &sender, std::uint64_t nonce) {
    const auto now = Clock::now();
    if (const auto found = requested_.find(nonce);
        found != requested_.end() && found->second.address == sender) {
        const auto probe = requested_.extract(found).mapped();
        if (now - probe.sent <= answer_timeout)
            on_result_(probe.key, {InBandResult::Outcome::answered, false, probe.sent, now - probe.sent, ""});
        return;
    }
    const auto found = outstanding_.find(nonce);
    if (found == outstanding_.end())
        return;
    const auto periodic = targets_.at(found->second);
    if (periodic->target.address != sender)
        return;
    outstanding_.erase(found);
    const InBandResult result{InBandResult::Outcome::answered, true, periodic->sent, now - periodic->sent,
                              ""};
    resume(periodic);
    on_result_(periodic->target.key, result);
}

} // namespace glb::health
