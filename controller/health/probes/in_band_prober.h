// InBandProber: sends probes through any number of targets and matches the returned ones.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/health/probes/in_band_packet.h"
#include "controller/health/probes/probe_settings.h"
#include "controller/util/monotonic_time.h"

namespace glb::health {

struct InBandTarget {
    std::string key; ///< names the target in results; unique
    IpAddress address;
    std::uint16_t port = 6081;
    InBandInner inner;
    std::chrono::milliseconds interval{1000}; ///< of the periodic probes
    std::chrono::milliseconds timeout{500};   ///< at most the interval

    bool operator==(const InBandTarget &) const = default;
};

struct InBandResult {
    enum class Outcome : std::uint8_t { answered, unanswered, unsent };
    Outcome outcome = Outcome::unanswered;
    bool periodic = false; ///< false: sent by probe_now()
    MonotonicTime sent;
    std::chrono::nanoseconds round_trip{0};
    std::string detail; ///< of unsent
};

/// An answer counts only with the nonce of an outstanding probe, and only from the address to which that was
/// sent. The data path receives it and reports GLB_EVENT_IN_BAND. Not thread-safe: to be called on the loop's
/// thread.
class InBandProber {
  public:
    using OnResult = std::function<void(const std::string &key, const InBandResult &result)>;

    /// `loop` must outlive the prober.
    InBandProber(boost::asio::io_context &loop, OnResult on_result);
    InBandProber(const InBandProber &) = delete;
    InBandProber &operator=(const InBandProber &) = delete;
    ~InBandProber();

    /// Replaces the targets, which are probed from `source`. The first probe of a new or changed target is
    /// sent after a random delay of up to a second (or its interval). Unchanged targets are not affected.
    void set_targets(const std::vector<InBandTarget> &targets, const IpAddress &source);

    /// Sends one probe now, in addition to the periodic ones. Only an answer within a second is reported.
    [[nodiscard]] Status probe_now(const std::string &key);

    /// An in-band probe has returned through `sender`. Unknown nonces are ignored.
    void on_event(const IpAddress &sender, std::uint64_t nonce);

  private:
    using Clock = std::chrono::steady_clock;
    /// Used in turn: another source port may select another core of the appliance.
    static constexpr std::size_t socket_count = 4;

    struct Periodic {
        Periodic(boost::asio::io_context &loop, InBandTarget t) : target(std::move(t)), timer(loop) {}
        InBandTarget target;
        boost::asio::steady_timer timer;
        Clock::time_point due;
        std::optional<std::uint64_t> outstanding; // nonce
        Clock::time_point sent;
    };
    struct Requested {
        std::string key;
        IpAddress address;
        Clock::time_point sent;
    };

    void wait_until_due(const std::shared_ptr<Periodic> &periodic);
    void probe(const std::shared_ptr<Periodic> &periodic);
    void on_timeout(const std::shared_ptr<Periodic> &periodic);
    void resume(const std::shared_ptr<Periodic> &periodic);
    [[nodiscard]] Status send(const InBandTarget &target, std::uint64_t nonce);

    boost::asio::io_context &loop_;
    OnResult on_result_;
    IpAddress source_;
    std::array<Fd, socket_count> sockets_;
    std::size_t next_socket_ = 0;
    std::map<std::string, std::shared_ptr<Periodic>> targets_;
    std::map<std::uint64_t, std::string> outstanding_; // periodic probes, by nonce
    std::map<std::uint64_t, Requested> requested_;
    std::mt19937 random_;
};

} // namespace glb::health
