#include "appliance/batch.h"

#include <cerrno>
#include <cstring>

namespace glb::appliance {
namespace {

iovec make_iovec(Bytes bytes) {
    // struct iovec is not const-correct: sendmsg(2) only reads.
    return {const_cast<std::uint8_t *>(bytes.data()), bytes.size()};
}

} // namespace

ReceiveBatch::ReceiveBatch(std::size_t payload_bytes)
    : payload_bytes_(payload_bytes), payloads_(payload_bytes * batch_size) {
    for (std::size_t i = 0; i < batch_size; ++i) {
        parts_[i] = {&payloads_[i * payload_bytes], payload_bytes};
        auto &header = messages_[i].msg_hdr;
        header.msg_name = &senders_[i];
        header.msg_iov = &parts_[i];
        header.msg_iovlen = 1;
        header.msg_control = controls_[i].data();
    }
}

std::size_t ReceiveBatch::receive(int socket) {
    for (auto &message : messages_) {
        message.msg_hdr.msg_namelen = sizeof(sockaddr_in);
        message.msg_hdr.msg_controllen = control_bytes;
    }
    const int count = ::recvmmsg(socket, messages_.data(), batch_size, MSG_DONTWAIT, nullptr);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

Arrival ReceiveBatch::operator[](std::size_t index) {
    auto &header = messages_[index].msg_hdr;
    Arrival arrival{.payload = {&payloads_[index * payload_bytes_], messages_[index].msg_len},
                    .from = senders_[index].sin_addr.s_addr,
                    .source_port = senders_[index].sin_port,
                    .truncated = (header.msg_flags & MSG_TRUNC) != 0};
    for (auto *control = CMSG_FIRSTHDR(&header); control; control = CMSG_NXTHDR(&header, control)) {
        if (control->cmsg_level != IPPROTO_IP)
            continue;
        if (control->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(control), sizeof info);
            arrival.to = info.ipi_spec_dst.s_addr;
        } else if (control->cmsg_type == IP_TOS) {
            arrival.tos = *CMSG_DATA(control);
        }
    }
    return arrival;
}

void SendBatch::add(const ReturnPath &path, Bytes inner) {
    auto &item = items_[count_];
    item.path = path;
    write_outer(item.outer, item.path, inner);
    if (wrong_checksum_)
        store_be<std::uint16_t>(item.outer, 26, 0xbad1);
    item.node.sin_family = AF_INET;
    item.node.sin_addr.s_addr = path.node_address;
    item.parts = {make_iovec(item.outer), make_iovec(item.path.geneve()), make_iovec(inner)};

    auto &header = messages_[count_].msg_hdr;
    header.msg_name = &item.node;
    header.msg_namelen = sizeof item.node;
    header.msg_iov = item.parts.data();
    header.msg_iovlen = item.parts.size();
    ++count_;
}

void SendBatch::flush(int socket, Counters &counters) {
    for (std::size_t done = 0; done < count_;) {
        const int sent =
            ::sendmmsg(socket, &messages_[done], static_cast<unsigned>(count_ - done), MSG_NOSIGNAL);
        if (sent > 0) {
            done += static_cast<std::size_t>(sent);
            counters.add(Counter::returned, static_cast<std::uint64_t>(sent));
        } else if (errno != EINTR) {
            counters.add(errno == EMSGSIZE ? Counter::too_big : Counter::send_failed);
            ++done;
        }
    }
    count_ = 0;
}

} // namespace glb::appliance
