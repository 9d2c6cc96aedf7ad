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

namespace glb {

class Probe;
class TlsContext;

struct ProbeTarget {
    std::string key; ///< names the target in results; unique
    IpAddress address;
    ProbeSettings settings;
    ProbeSource source;

    bool operator==(const ProbeTarget &) const = default;
};

/// Each target has a coroutine of its own, which probes it from interval to interval. The first probe starts
/// at a random moment within the first second (or interval, if that is shorter), so that targets do not march
/// in step. Not thread-safe: call it, and run the loop, on one thread.
class Prober {
  public:
    /// Called on the loop after each probe. It may call set_targets.
    using OnResult = std::function<void(const std::string &key, const ProbeResult &result)>;

    /// `loop` must outlive the Prober.
    Prober(boost::asio::io_context &loop, OnResult on_result);
    Prober(const Prober &) = delete;
    Prober &operator=(const Prober &) = delete;
    ~Prober();

    /// From now on exactly these targets are probed (those with ProbeKind::none are not). A target whose
    /// row is equal to before goes on undisturbed, the probe under way included; one that changed starts
    /// anew. Nothing is reported of a target that is gone, not even by a probe under way. A second row of a
    /// key is ignored.
    void set_targets(const std::vector<ProbeTarget> &targets);

  private:
    [[nodiscard]] Result<std::shared_ptr<TlsContext>> tls_for(const ProbeSettings &settings);

    boost::asio::io_context &loop_;
    std::shared_ptr<const OnResult>
        on_result_; // shared with the probes: one may be calling it as we are destroyed
    std::map<std::string, std::shared_ptr<Probe>> probes_;
    std::map<std::string, std::weak_ptr<TlsContext>> tls_; // by caFile, shared by its probes
    std::mt19937 random_;
};

} // namespace glb
