// Nftables: transactions and listings through libnftables, the ruleset's generation and a counter through
// netlink.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "controller/plan/guard_plan.h"

struct nft_ctx;
struct mnl_socket;

namespace glb::guard {

class Nftables {
  public:
    /// Bound to the calling thread's network namespace.
    [[nodiscard]] static Result<Nftables> open();

    /// Runs nft commands as one transaction.
    [[nodiscard]] Status run(const std::string &commands);

    /// A listing without counter values, of `nft list WHAT`; empty if it does not exist.
    [[nodiscard]] std::string list(const std::string &what);
    [[nodiscard]] std::string list_json(const std::string &what);

    /// Incremented by the kernel with each transaction (NFT_MSG_GETGEN): equal values mean no change.
    [[nodiscard]] Result<std::uint32_t> generation();

    /// The counter `uninspected` of table `inet glb`; nullopt: does not exist.
    [[nodiscard]] Result<std::optional<plan::PacketCount>> counter();

  private:
    struct FreeContext {
        void operator()(nft_ctx *context) const;
    };
    struct CloseSocket {
        void operator()(mnl_socket *socket) const;
    };
    Nftables() = default;
    [[nodiscard]] std::string listing(const std::string &what, unsigned flags);

    std::unique_ptr<nft_ctx, FreeContext> context_;
    std::unique_ptr<mnl_socket, CloseSocket> socket_;
    std::uint32_t sequence_ = 0;
};

/// The same counter, read through a socket of its own: any thread.
[[nodiscard]] Result<std::optional<plan::PacketCount>> read_uninspected_count();

} // namespace glb::guard
