// TLS for HTTPS probes: verification and session resumption. Private to the library.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "controller/util/address.h"
#include "controller/util/result.h"

namespace glb::health {

using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket &>;

/// TLS 1.2 and 1.3 with the CAs of a file. Without a file, certificates are not verified, and old keys and
/// ciphers are accepted.
class TlsContext {
  public:
    [[nodiscard]] static Result<std::shared_ptr<TlsContext>> make(const std::string &ca_file);

    boost::asio::ssl::context context{boost::asio::ssl::context::tls_client};
    bool verifies = false;
};

struct TlsSessionFree {
    void operator()(SSL_SESSION *session) const { SSL_SESSION_free(session); }
};
using TlsSession = std::unique_ptr<SSL_SESSION, TlsSessionFree>;

/// Before the handshake: sets the server name and, if the context verifies, the name or address that the
/// certificate must have. `host` may be empty or include a port. `session` is offered for resumption.
[[nodiscard]] Status prepare_tls(TlsStream &stream, const TlsContext &context, const std::string &host,
                                 const IpAddress &address, const TlsSession &session);

/// After the response: the session to be resumed next time (null: none).
[[nodiscard]] TlsSession cache_session(TlsStream &stream);
/// Before the stream is destroyed: its session remains valid although the peer has not shut it down.
void mark_shut_down(TlsStream &stream);

/// Why the certificate was rejected; empty if it was not.
[[nodiscard]] std::string verify_error(TlsStream &stream);

} // namespace glb::health
