#include "controller/guard/nftables.h"

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <endian.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>

#include "controller/util/fd.h"

namespace glb::guard {
namespace {

nlmsghdr *put_header(char *buffer, std::uint16_t message, std::uint8_t family, std::uint32_t sequence) {
    auto *header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | message);
    header->nlmsg_flags = NLM_F_REQUEST;
    header->nlmsg_seq = sequence;
    auto *extra = static_cast<nfgenmsg *>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
    extra->nfgen_family = family;
    extra->version = NFNETLINK_V0;
    return header;
}

using Attributes = std::array<const nlattr *, 16>;

int store_attribute(const nlattr *attribute, void *data) {
    auto &found = *static_cast<Attributes *>(data);
    if (mnl_attr_get_type(attribute) < found.size())
        found[mnl_attr_get_type(attribute)] = attribute;
    return MNL_CB_OK;
}

Attributes attributes_of(const nlmsghdr &message) {
    Attributes found{};
    mnl_attr_parse(&message, sizeof(nfgenmsg), store_attribute, &found);
    return found;
}

plan::PacketCount read_counter(const nlattr &data) {
    Attributes found{};
    mnl_attr_parse_nested(&data, store_attribute, &found);
    const auto value = [&](int attribute) {
        return found[attribute] ? be64toh(mnl_attr_get_u64(found[attribute])) : 0;
    };
    return {value(NFTA_COUNTER_PACKETS), value(NFTA_COUNTER_BYTES)};
}

// Sends a request and returns its single response, stored in `buffer`; null for ENOENT.
Result<const nlmsghdr *> request_one(mnl_socket *socket, const nlmsghdr &request,
                                     std::array<char, 8192> &buffer) {
    constexpr const char *what = "cannot query nftables";
    if (mnl_socket_sendto(socket, &request, request.nlmsg_len) < 0)
        return fail_errno(errno, "{}", what);
    while (true) {
        const auto length = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return fail_errno(errno, "{}", what);
        const void *start = buffer.data();
        const auto *message = static_cast<const nlmsghdr *>(start);
        if (!mnl_nlmsg_ok(message, static_cast<int>(length)) || message->nlmsg_seq != request.nlmsg_seq)
            continue;
        if (message->nlmsg_type != NLMSG_ERROR)
            return message;
        const int error = static_cast<const nlmsgerr *>(mnl_nlmsg_get_payload(message))->error;
        if (error == -ENOENT)
            return nullptr;
        return fail_errno(-error, "{}", what);
    }
}

/// libnftables calls exit() if it cannot open a socket: one for its context, one for the names of interfaces. A few
/// more are required, since other threads open descriptors meanwhile.
Status check_descriptors() {
    std::array<Fd, 4> descriptors;
    for (auto &descriptor : descriptors) {
        descriptor = Fd(::open("/", O_PATH | O_CLOEXEC));
        if (!descriptor)
            return fail_errno(errno, "cannot use nftables without free descriptors");
    }
    return {};
}

} // namespace

void Nftables::FreeContext::operator()(nft_ctx *context) const {
    nft_ctx_free(context);
}
void NftablesQueries::CloseSocket::operator()(mnl_socket *socket) const {
    mnl_socket_close(socket);
}

Result<NftablesQueries> NftablesQueries::open() {
    NftablesQueries queries;
    queries.socket_.reset(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
    if (!queries.socket_ || mnl_socket_bind(queries.socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0)
        return fail_errno(errno, "cannot open an nftables netlink socket");
    return queries;
}

Result<Nftables> Nftables::open() {
    GLB_ASSIGN(auto queries, NftablesQueries::open()); // fails where libnftables would end the process
    GLB_TRY(check_descriptors());
    Nftables nftables(std::move(queries));
    nftables.context_.reset(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!nftables.context_)
        return fail("cannot initialize libnftables");
    nft_ctx_buffer_output(nftables.context_.get());
    nft_ctx_buffer_error(nftables.context_.get());
    return nftables;
}

Status Nftables::run(const std::string &commands) {
    GLB_TRY(check_descriptors());
    nft_ctx_output_set_flags(context_.get(), 0);
    const int failed = nft_run_cmd_from_buffer(context_.get(), commands.c_str());
    (void)nft_ctx_get_output_buffer(context_.get());
    const std::string detail = nft_ctx_get_error_buffer(context_.get());
    if (failed)
        return fail("nftables rejected the guard's rules: {}", detail);
    return {};
}

Result<std::string> Nftables::listing(const std::string &what, unsigned flags) {
    GLB_TRY(check_descriptors());
    nft_ctx_output_set_flags(context_.get(), flags);
    const int failed = nft_run_cmd_from_buffer(context_.get(), ("list " + what).c_str());
    std::string text = nft_ctx_get_output_buffer(context_.get());
    (void)nft_ctx_get_error_buffer(context_.get());
    return failed ? std::string() : text;
}

Result<std::string> Nftables::list(const std::string &what) {
    return listing(what, NFT_CTX_OUTPUT_STATELESS);
}
Result<std::string> Nftables::list_json(const std::string &what) {
    return listing(what, NFT_CTX_OUTPUT_JSON);
}

Result<std::uint32_t> NftablesQueries::generation() {
    std::array<char, 8192> out{}, in{};
    auto *request = put_header(out.data(), NFT_MSG_GETGEN, AF_UNSPEC, ++sequence_);
    GLB_ASSIGN(const auto *message, request_one(socket_.get(), *request, in));
    const auto *id = message ? attributes_of(*message)[NFTA_GEN_ID] : nullptr;
    if (!id)
        return fail("nftables returned no generation");
    return ntohl(mnl_attr_get_u32(id));
}

Result<std::optional<plan::PacketCount>> NftablesQueries::counter() {
    std::array<char, 8192> out{}, in{};
    auto *request = put_header(out.data(), NFT_MSG_GETOBJ, NFPROTO_INET, ++sequence_);
    mnl_attr_put_strz(request, NFTA_OBJ_TABLE, "glb");
    mnl_attr_put_strz(request, NFTA_OBJ_NAME, "uninspected");
    mnl_attr_put_u32(request, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
    GLB_ASSIGN(const auto *message, request_one(socket_.get(), *request, in));
    const auto *data = message ? attributes_of(*message)[NFTA_OBJ_DATA] : nullptr;
    return data ? std::optional(read_counter(*data)) : std::nullopt;
}

Result<std::optional<plan::PacketCount>> read_uninspected_count() {
    GLB_ASSIGN(auto queries, NftablesQueries::open());
    return queries.counter();
}

} // namespace glb::guard
