// InBandProber: sends probes through any number of targets, and knows them again when they come back.
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

namespace glb {

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
    enum class Outcome : std::uint8_t { answered, silent, unsent };
    Outcome outcome = Outcome::silent;
    bool periodic = false; ///< else one that ask() sent
    std::chrono::steady_clock::time_point sent;
    std::chrono::nanoseconds round_trip{0};
    std::string detail; ///< of unsent
};

/// An answer counts only with a nonce that is awaited, and only from the address to which it was sent. It
/// comes to the data path, which tells it by GLB_EVENT_IN_BAND. Not thread-safe: call it, and run the loop,
/// on one thread.
class InBandProber {
  public:
    using OnResult = std::function<void(const std::string &key, const InBandResult &result)>;

    /// `loop` must outlive the prober.
    InBandProber(boost::asio::io_context &loop, OnResult on_result);
    InBandProber(const InBandProber &) = delete;
    InBandProber &operator=(const InBandProber &) = delete;
    ~InBandProber();

    /// From now on exactly these targets are probed, from `source`; the first time at a random moment within
    /// the first second (or interval). Rows that are equal to before go on undisturbed.
    void set_targets(const std::vector<InBandTarget> &targets, const IpAddress &source);

    /// One probe at once, beside the periodic ones. An answer within a second is reported, silence is not.
    [[nodiscard]] Status ask(const std::string &key);

    /// An in-band probe has come back through `sender`. Strangers' nonces are ignored.
    void on_event(const IpAddress &sender, std::uint64_t nonce);

  private:
    using Clock = std::chrono::steady_clock;
    /// Each probe takes the next one: another port, and so perhaps another core of the appliance.
    static constexpr std::size_t kSockets = 4;

    struct Periodic {
        Periodic(boost::asio::io_context &loop, InBandTarget t) : target(std::move(t)), timer(loop) {}
        InBandTarget target;
        boost::asio::steady_timer timer;
        Clock::time_point due;
        std::optional<std::uint64_t> awaited; // the nonce
        Clock::time_point sent;
    };
    struct Asked {
        std::string key;
        IpAddress address;
        Clock::time_point sent;
    };

    void wait_until_due(const std::shared_ptr<Periodic> &periodic);
    void probe(const std::shared_ptr<Periodic> &periodic);
    void give_up(const std::shared_ptr<Periodic> &periodic);
    void resume(const std::shared_ptr<Periodic> &periodic);
    [[nodiscard]] Status send(const InBandTarget &target, std::uint64_t nonce);

    boost::asio::io_context &loop_;
    OnResult on_result_;
    IpAddress source_;
    std::array<Fd, kSockets> sockets_;
    std::size_t next_socket_ = 0;
    std::map<std::string, std::shared_ptr<Periodic>> targets_;
    std::map<std::uint64_t, std::string> awaited_; // of the periodic probes, by nonce
    std::map<std::uint64_t, Asked> asked_;
    std::mt19937 random_;
};

} // namespace glb
