#include "controller/health/probes/in_band_prober.h"

#include <algorithm>

namespace glb {
namespace {

using namespace std::chrono_literals;
using boost::system::error_code;

constexpr auto kAnswerWithin = 1s; // of probes that were asked for
constexpr std::chrono::milliseconds kLongestInBandStartDelay{1000};

} // namespace

InBandProber::InBandProber(boost::asio::io_context &loop, OnResult on_result)
    : loop_(loop), on_result_(std::move(on_result)), random_(std::random_device{}()) {}

InBandProber::~InBandProber() {
    set_targets({}, source_);
}

// A timer that fires although its target is gone finds it gone: handlers hold no owning pointer.
void InBandProber::set_targets(const std::vector<InBandTarget> &targets, const IpAddress &source) {
    if (source != source_) {
        sockets_ = {};
        source_ = source;
    }
    auto former = std::exchange(targets_, {});
    for (const auto &target : targets) {
        if (targets_.contains(target.key))
            continue;
        if (const auto known = former.find(target.key);
            known != former.end() && known->second->target == target) {
            targets_.insert(former.extract(known));
            continue;
        }
        auto periodic = std::make_shared<Periodic>(loop_, target);
        const auto longest = std::min(target.interval, kLongestInBandStartDelay);
        std::uniform_int_distribution<std::chrono::milliseconds::rep> delay(0, longest.count());
        periodic->due = Clock::now() + std::chrono::milliseconds(delay(random_));
        wait_until_due(periodic);
        targets_.emplace(target.key, std::move(periodic));
    }
    for (const auto &[key, periodic] : former) {
        periodic->timer.cancel();
        if (periodic->awaited)
            awaited_.erase(*periodic->awaited);
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
    periodic->awaited = nonce;
    awaited_.emplace(nonce, periodic->target.key);
    periodic->timer.expires_at(periodic->sent + periodic->target.timeout);
    periodic->timer.async_wait([this, weak = std::weak_ptr(periodic), nonce](const error_code &error) {
        // Cancelled by the answer, or overtaken by it.
        if (const auto alive = weak.lock(); alive && !error && alive->awaited == nonce)
            give_up(alive);
    });
}

void InBandProber::give_up(const std::shared_ptr<Periodic> &periodic) {
    awaited_.erase(*periodic->awaited);
    resume(periodic);
    on_result_(periodic->target.key,
               {InBandResult::Outcome::silent, true, periodic->sent, Clock::now() - periodic->sent, ""});
}

void InBandProber::resume(const std::shared_ptr<Periodic> &periodic) {
    periodic->awaited.reset();
    periodic->due = std::max(periodic->due + periodic->target.interval, Clock::now());
    wait_until_due(periodic);
}

Status InBandProber::send(const InBandTarget &target, std::uint64_t nonce) {
    auto &socket = sockets_[next_socket_];
    next_socket_ = (next_socket_ + 1) % kSockets;
    if (!socket) {
        GLB_ASSIGN(socket, open_in_band_socket(source_));
    }
    return send_in_band(socket, target.address, target.port, target.inner, nonce);
}

Status InBandProber::ask(const std::string &key) {
    const auto found = targets_.find(key);
    if (found == targets_.end())
        return fail("no in-band target {}", key);
    const auto now = Clock::now();
    std::erase_if(asked_, [&](const auto &row) { return now - row.second.sent > kAnswerWithin; });
    const auto nonce = random_nonce();
    GLB_TRY(send(found->second->target, nonce));
    asked_.emplace(nonce, Asked{key, found->second->target.address, now});
    return {};
}

void InBandProber::on_event(const IpAddress &sender, std::uint64_t nonce) {
    const auto now = Clock::now();
    if (const auto asked = asked_.find(nonce); asked != asked_.end() && asked->second.address == sender) {
        const auto answer = asked_.extract(asked).mapped();
        if (now - answer.sent <= kAnswerWithin)
            on_result_(answer.key,
                       {InBandResult::Outcome::answered, false, answer.sent, now - answer.sent, ""});
        return;
    }
    const auto awaited = awaited_.find(nonce);
    if (awaited == awaited_.end())
        return;
    const auto periodic = targets_.at(awaited->second);
    if (periodic->target.address != sender)
        return;
    awaited_.erase(awaited);
    const InBandResult result{InBandResult::Outcome::answered, true, periodic->sent, now - periodic->sent,
                              ""};
    resume(periodic);
    on_result_(periodic->target.key, result);
}

} // namespace glb
