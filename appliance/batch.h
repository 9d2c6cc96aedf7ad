// Batches of packets, received with recvmmsg(2) and sent with sendmmsg(2).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "appliance/bytes.h"
#include "appliance/counters.h"
#include "appliance/flow_table.h"
#include "appliance/outer.h"

namespace glb::appliance {

inline constexpr std::size_t batch_size = 64;

/// A UDP packet and its metadata. Addresses and port in network order.
struct Arrival {
    std::span<std::uint8_t> payload;
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    std::uint16_t source_port = 0;
    std::uint8_t tos = 0;
    bool truncated = false;
};

/// Buffers for a batch of UDP packets. Neither copyable nor movable: contains pointers into itself.
class ReceiveBatch {
  public:
    /// Payloads longer than `payload_bytes` are truncated and flagged.
    explicit ReceiveBatch(std::size_t payload_bytes);
    ReceiveBatch(const ReceiveBatch &) = delete;
    ReceiveBatch &operator=(const ReceiveBatch &) = delete;

    /// Receives up to a batch without blocking; returns the number of packets.
    [[nodiscard]] std::size_t receive(int socket);
    /// A received packet; valid until the next receive().
    [[nodiscard]] Arrival operator[](std::size_t index);

  private:
    static constexpr std::size_t control_bytes = 128;

    std::size_t payload_bytes_;
    std::vector<std::uint8_t> payloads_;
    std::array<sockaddr_in, batch_size> senders_{};
    alignas(cmsghdr) std::array<std::array<std::uint8_t, control_bytes>, batch_size> controls_{};
    std::array<iovec, batch_size> parts_{};
    std::array<mmsghdr, batch_size> messages_{};
};

/// Packets to be sent back to nodes. Inner packets passed to add() must remain valid until flush().
class SendBatch {
  public:
    explicit SendBatch(bool wrong_checksum) : wrong_checksum_(wrong_checksum) {}
    SendBatch(const SendBatch &) = delete;
    SendBatch &operator=(const SendBatch &) = delete;

    [[nodiscard]] bool full() const { return count_ == batch_size; }
    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// Adds `inner` (not copied) with the headers of `path` (copied). The batch must not be full.
    void add(const ReturnPath &path, Bytes inner);
    /// Sends all packets in order; those that cannot be sent are counted and skipped.
    void flush(int socket, Counters &counters);

  private:
    struct Item {
        OuterHeader outer;
        ReturnPath path;
        sockaddr_in node;
        std::array<iovec, 3> parts;
    };
    bool wrong_checksum_;
    std::size_t count_ = 0;
    std::array<Item, batch_size> items_{};
    std::array<mmsghdr, batch_size> messages_{};
};

} // namespace glb::appliance
