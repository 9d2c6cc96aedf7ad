#include "controller/health/probes/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace glb::health {
namespace {

namespace ssl = boost::asio::ssl;

/// "NAME", "NAME:PORT" or "[ADDR6]:PORT" without the port.
std::string without_port(const std::string &host) {
    if (host.starts_with('['))
        return host.substr(1, host.find(']') - 1);
    const auto colon = host.find(':');
    return colon != host.npos && host.find(':', colon + 1) == host.npos ? host.substr(0, colon) : host;
}

} // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::make(const std::string &ca_file) {
    auto made = std::make_shared<TlsContext>();
    auto *raw = made->context.native_handle();
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (ca_file.empty()) {
        made->context.set_verify_mode(ssl::verify_none);
        SSL_CTX_set_security_level(raw, 0);
        SSL_CTX_set_options(raw, SSL_OP_LEGACY_SERVER_CONNECT);
        return made;
    }
    boost::system::error_code error;
    made->context.load_verify_file(ca_file, error);
    if (error)
        return fail("caFile {}: {}", ca_file, error.message());
    made->context.set_verify_mode(ssl::verify_peer);
    made->verifies = true;
    return made;
}

Status prepare_tls(TlsStream &stream, const TlsContext &context, const std::string &host,
                   const IpAddress &address, const TlsSession &session) {
    auto *raw = stream.native_handle();
    const auto name = without_port(host);
    const bool is_name = !name.empty() && !IpAddress::parse(name);
    // RFC 6066, section 3: literal addresses are not permitted as server names.
    bool done = !is_name || SSL_ctrl(raw, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                     const_cast<char *>(name.c_str())) == 1;
    if (done && context.verifies)
        done = is_name ? SSL_set1_host(raw, name.c_str()) == 1
                       : X509_VERIFY_PARAM_set1_ip_asc(
                             SSL_get0_param(raw), (name.empty() ? address.to_string() : name).c_str()) == 1;
    if (!done)
        return fail("TLS: cannot set server name \"{}\"", name);
    if (session)
        SSL_set_session(raw, session.get());
    return {};
}

// OpenSSL treats a connection that ends without a shutdown as broken and invalidates its session.
void mark_shut_down(TlsStream &stream) {
    SSL_set_shutdown(stream.native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TlsSession cache_session(TlsStream &stream) {
    auto *raw = stream.native_handle();
    TlsSession session(SSL_get1_session(raw));
    if (session && !SSL_SESSION_is_resumable(session.get()))
        session.reset();
    return session;
}

std::string verify_error(TlsStream &stream) {
    const auto code = SSL_get_verify_result(stream.native_handle());
    return code == X509_V_OK ? std::string() : X509_verify_cert_error_string(code);
}

} // namespace glb::health
