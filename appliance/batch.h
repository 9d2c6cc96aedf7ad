// Packets by the batch: received with one recvmmsg, sent with one sendmmsg.
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

/// One UDP packet and what the kernel says of it. Addresses and port in network order.
struct Arrival {
    std::span<std::uint8_t> payload;
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    std::uint16_t source_port = 0;
    std::uint8_t tos = 0;
    bool truncated = false;
};

/// Room for a batch of UDP packets. Not copied and not moved: the kernel has pointers into it.
class ReceiveBatch {
  public:
    /// Payloads are at most `payload_bytes` long; longer ones arrive cut and marked so.
    explicit ReceiveBatch(std::size_t payload_bytes);
    ReceiveBatch(const ReceiveBatch &) = delete;
    ReceiveBatch &operator=(const ReceiveBatch &) = delete;

    /// Takes what is there, at most a batch; returns how many, 0 where there is nothing.
    [[nodiscard]] std::size_t receive(int socket);
    /// One of them; valid until the next receive().
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

/// Packets that wait for being sent back. What add() is given stays where it is until flush().
class SendBatch {
  public:
    explicit SendBatch(bool wrong_checksum) : wrong_checksum_(wrong_checksum) {}
    SendBatch(const SendBatch &) = delete;
    SendBatch &operator=(const SendBatch &) = delete;

    [[nodiscard]] bool full() const { return count_ == batch_size; }
    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// Puts the headers of `path`, which is copied, in front of `inner`, which is not. There must be room.
    void add(const ReturnPath &path, Bytes inner);
    /// Sends all, in their order; one that is refused is counted and passed over.
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
