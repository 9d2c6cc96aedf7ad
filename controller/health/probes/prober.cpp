#include "controller/health/probes/prober.h"

#include <algorithm>
#include <utility>

#include "controller/health/probes/probe.h"

namespace glb::health {

Prober::Prober(boost::asio::io_context &loop, OnResult on_result)
    : loop_(loop), on_result_(std::make_shared<const OnResult>(std::move(on_result))),
      closer_(std::make_shared<OrderlyCloser>()), random_(std::random_device{}()) {}

Prober::~Prober() {
    for (const auto &[key, probe] : probes_)
        probe->stop();
}

void Prober::set_targets(const std::vector<ProbeTarget> &targets) {
    auto previous = std::exchange(probes_, {});
    for (const auto &target : targets) {
        if (target.settings.protocol == ProbeKind::none || probes_.contains(target.key))
            continue;
        const auto known = previous.find(target.key);
        if (known != previous.end() && known->second->target() == target) {
            probes_.insert(previous.extract(known));
            continue;
        }
        const auto longest = std::min(target.settings.interval, max_start_delay);
        std::uniform_int_distribution<std::chrono::milliseconds::rep> delay(0, longest.count());
        auto probe = std::make_shared<Probe>(loop_, target, on_result_, closer_, tls_for(target.settings));
        probe->start(std::chrono::milliseconds(delay(random_)));
        probes_.emplace(target.key, std::move(probe));
    }
    for (const auto &[key, probe] : previous)
        probe->stop();
}

// Shared only while probes use it, so that a changed file is read when its probes start again.
Result<std::shared_ptr<TlsContext>> Prober::tls_for(const ProbeSettings &settings) {
    if (settings.protocol != ProbeKind::https)
        return nullptr;
    auto &known = tls_[settings.ca_file];
    if (auto shared = known.lock())
        return shared;
    GLB_ASSIGN(auto made, TlsContext::make(settings.ca_file));
    known = made;
    return made;
}

} // namespace glb::health
