// Nftables: transactions and listings by libnftables, the ruleset's generation and one counter by netlink.
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
    /// In the calling thread's network namespace, in which it stays.
    [[nodiscard]] static Result<Nftables> open();

    /// Runs commands in nftables' language as one transaction.
    [[nodiscard]] Status run(const std::string &commands);

    /// A listing without counters' values; empty where what is asked for is not there.
    [[nodiscard]] std::string list(const std::string &what);
    [[nodiscard]] std::string list_json(const std::string &what);

    /// Raised by the kernel at each transaction of anybody (NFT_MSG_GETGEN): equal means that nothing
    /// changed.
    [[nodiscard]] Result<std::uint32_t> generation();

    /// The table's counter `uninspected`; none where it does not exist.
    [[nodiscard]] Result<std::optional<PacketCount>> counter();

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

} // namespace glb::guard
