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

/// Queries of nftables without libnftables.
class NftablesQueries {
  public:
    /// Bound to the calling thread's network namespace.
    [[nodiscard]] static Result<NftablesQueries> open();

    /// Incremented by the kernel with each transaction (NFT_MSG_GETGEN): equal values mean no change.
    [[nodiscard]] Result<std::uint32_t> generation();

    /// The counter `uninspected` of table `inet glb`; nullopt: does not exist.
    [[nodiscard]] Result<std::optional<plan::PacketCount>> counter();

  private:
    struct CloseSocket {
        void operator()(mnl_socket *socket) const;
    };
    NftablesQueries() = default;

    std::unique_ptr<mnl_socket, CloseSocket> socket_;
    std::uint32_t sequence_ = 0;
};

/// EMFILE or ENFILE where libnftables might lack a descriptor: it ends the process then.
class Nftables {
  public:
    /// Bound to the calling thread's network namespace.
    [[nodiscard]] static Result<Nftables> open();

    /// Runs nft commands as one transaction.
    [[nodiscard]] Status run(const std::string &commands);

    /// A listing without counter values, of `nft list WHAT`; empty if it does not exist.
    [[nodiscard]] Result<std::string> list(const std::string &what);
    [[nodiscard]] Result<std::string> list_json(const std::string &what);

    /// See NftablesQueries.
    [[nodiscard]] Result<std::uint32_t> generation() { return queries_.generation(); }
    [[nodiscard]] Result<std::optional<plan::PacketCount>> counter() { return queries_.counter(); }

  private:
    struct FreeContext {
        void operator()(nft_ctx *context) const;
    };
    explicit Nftables(NftablesQueries queries) : queries_(std::move(queries)) {}
    [[nodiscard]] Result<std::string> listing(const std::string &what, unsigned flags);

    NftablesQueries queries_;
    std::unique_ptr<nft_ctx, FreeContext> context_;
};

/// The same counter, read through a socket of its own: any thread.
[[nodiscard]] Result<std::optional<plan::PacketCount>> read_uninspected_count();

} // namespace glb::guard
