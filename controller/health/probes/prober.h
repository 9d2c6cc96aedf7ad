// Prober: runs the active health checks of any number of targets on one event loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "controller/health/probes/probe_settings.h"
#include "controller/health/probes/probe_socket.h"
#include "controller/util/address.h"

namespace glb::health {

class OrderlyCloser;
class Probe;
class TlsContext;

struct ProbeTarget {
    std::string key; ///< names the target in results; unique
    IpAddress address;
    ProbeSettings settings;
    ProbeSource source;

    bool operator==(const ProbeTarget &) const = default;
};

/// Each target has its own coroutine, which probes it at its interval. The first probe starts after a random
/// delay of up to a second (or the interval, if shorter), which spreads the probes of many targets over time.
/// Not thread-safe: to be called on the loop's thread.
class Prober {
  public:
    /// Called on the loop after each probe. It may call set_targets.
    using OnResult = std::function<void(const std::string &key, const ProbeResult &result)>;

    /// `loop` must outlive the Prober.
    Prober(boost::asio::io_context &loop, OnResult on_result);
    Prober(const Prober &) = delete;
    Prober &operator=(const Prober &) = delete;
    ~Prober();

    /// Replaces the targets; those with ProbeKind::none are not probed. Unchanged targets are not affected,
    /// including a probe in progress. A changed target starts again. Nothing is reported for removed targets,
    /// including a probe in progress. Of two rows with the same key the first counts.
    void set_targets(const std::vector<ProbeTarget> &targets);

  private:
    [[nodiscard]] Result<std::shared_ptr<TlsContext>> tls_for(const ProbeSettings &settings);

    boost::asio::io_context &loop_;
    std::shared_ptr<const OnResult>
        on_result_; // shared: a probe may be calling it while the Prober is destroyed
    std::shared_ptr<OrderlyCloser> closer_;
    std::map<std::string, std::shared_ptr<Probe>> probes_;
    std::map<std::string, std::weak_ptr<TlsContext>> tls_; // by caFile, shared by its probes
    std::mt19937 random_;
};

} // namespace glb::health
