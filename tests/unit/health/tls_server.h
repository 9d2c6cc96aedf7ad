// TLS server on loopback with a self-signed certificate, for HTTPS probes.
#pragma once

#include <string>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <openssl/x509v3.h>

#include "tests/unit/health/scripted_server.h"

namespace glb::test {

/// Self-signed, with one name and one address. PEM.
struct Certificate {
    std::string certificate, key;
};

inline std::string text_of(BIO *bio) {
    char *data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

inline Certificate self_signed(const std::string &names = "DNS:fw.example,IP:127.0.0.1") {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 24L * 3600);
    X509_set_pubkey(x509, key);
    const std::string name = "glb test";
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char *>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x509, x509, nullptr, nullptr, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, names.c_str());
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(x509, key, EVP_sha256());
    BIO *certificate_out = BIO_new(BIO_s_mem()), *key_out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(certificate_out, x509);
    PEM_write_bio_PrivateKey(key_out, key, nullptr, nullptr, 0, nullptr, nullptr);
    X509_free(x509);
    EVP_PKEY_free(key);
    return {text_of(certificate_out), text_of(key_out)};
}

/// Properties of one connection.
struct TlsConnection {
    std::string version, server_name, request;
    bool resumed = false;
};

/// Per connection: handshake, one request, `answer`, then the peer's end and a close, or a RST.
class TlsServer {
  public:
    TlsServer(asio::io_context &loop, const Certificate &certificate, std::string answer,
              int version = TLS1_3_VERSION, bool reset = false)
        : context_(asio::ssl::context::tls_server), answer_(std::move(answer)), reset_(reset),
          server_(loop, [this](tcp::socket &peer) { return serve(peer); }) {
        context_.use_certificate(asio::buffer(certificate.certificate), asio::ssl::context::pem);
        context_.use_private_key(asio::buffer(certificate.key), asio::ssl::context::pem);
        SSL_CTX_set_min_proto_version(context_.native_handle(), version);
        SSL_CTX_set_max_proto_version(context_.native_handle(), version);
    }
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }
    [[nodiscard]] const std::vector<TlsConnection> &connections() const { return connections_; }
    /// How the peers ended their connections; eof: by close_notify.
    [[nodiscard]] const std::vector<boost::system::error_code> &ends() const { return ends_; }

  private:
    Awaitable serve(tcp::socket &peer) {
        boost::system::error_code error;
        asio::ssl::stream<tcp::socket &> stream(peer, context_);
        co_await stream.async_handshake(asio::ssl::stream_base::server,
                                        asio::redirect_error(asio::use_awaitable, error));
        if (error)
            co_return;
        TlsConnection connection;
        connection.version = SSL_get_version(stream.native_handle());
        connection.resumed = SSL_session_reused(stream.native_handle());
        if (const char *name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name))
            connection.server_name = name;
        std::array<char, 1024> bytes;
        const auto size = co_await stream.async_read_some(asio::buffer(bytes),
                                                          asio::redirect_error(asio::use_awaitable, error));
        connection.request.assign(bytes.data(), size);
        connections_.push_back(connection);
        co_await asio::async_write(stream, asio::buffer(answer_),
                                   asio::redirect_error(asio::use_awaitable, error));
        if (reset_) {
            peer.set_option(asio::socket_base::linger(true, 0));
            co_return;
        }
        (void)co_await stream.async_read_some(asio::buffer(bytes),
                                              asio::redirect_error(asio::use_awaitable, error));
        ends_.push_back(error);
    }

    asio::ssl::context context_;
    std::string answer_;
    bool reset_;
    std::vector<TlsConnection> connections_;
    std::vector<boost::system::error_code> ends_;
    ScriptedServer server_;
};

} // namespace glb::test
