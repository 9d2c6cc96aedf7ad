#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <mutex>

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "running_server.h"

using namespace glb;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

Listener listen_on(const std::filesystem::path &path) {
    auto listener = Listener::unix_socket(path);
    REQUIRE(listener);
    return std::move(*listener);
}

/// Responds with the request.
void echo(const HttpRequest &request, const HttpRespond &respond) {
    HttpResponse response;
    response.body = request.method + ' ' + request.target + ' ' + request.body;
    respond(std::move(response));
}

} // namespace

TEST_CASE("server: request and response bodies of a megabyte are transferred completely") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    RunningServer server(listen_on(path), echo);

    const std::string large(1u << 20, 'x');
    const auto response = http_request(path, "POST", "/a?b=c", large);
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(response->content_type == "application/json");
    CHECK(response->body == "POST /a?b=c " + large);
}

TEST_CASE("server: each request has the credentials of its client") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    std::mutex mutex;
    PeerCredentials peer;
    RunningServer server(listen_on(path), [&](const HttpRequest &request, const HttpRespond &respond) {
        const std::lock_guard lock(mutex);
        peer = request.peer;
        respond({});
    });
    REQUIRE(http_request(path, "GET", "/"));
    const std::lock_guard lock(mutex);
    CHECK(peer.known);
    CHECK(peer.uid == ::getuid());
    CHECK(peer.gid == ::getgid());
    CHECK(peer.pid == ::getpid());
}

TEST_CASE("listener: TCP ports are allocated, reported, and not shared") {
    auto listener = Listener::tcp("127.0.0.1:0");
    REQUIRE(listener);
    CHECK(listener->port() != 0);
    const auto port = listener->port();
    const auto second = Listener::tcp(*IpAddress::parse("127.0.0.1"), port);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == EADDRINUSE);
    CHECK(second.error().message.find(std::to_string(port)) != std::string::npos);
    CHECK_FALSE(Listener::tcp("127.0.0.1"));
    CHECK_FALSE(Listener::tcp("::1:80:"));
    CHECK(Listener::tcp("[::1]:0"));
}

TEST_CASE("server: a response may be sent later, from the loop") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    HttpRespond waiting; // used on the loop only
    std::atomic<bool> taken = false;
    RunningServer server(listen_on(path), [&](const HttpRequest &request, HttpRespond respond) {
        if (request.target == "/wait") {
            waiting = std::move(respond);
            taken = true;
            return;
        }
        HttpResponse late;
        late.body = "late";
        waiting(std::move(late)); // on the loop, while another connection is served
        respond({});
    });
    std::thread first([&] {
        const auto response = http_request(path, "GET", "/wait");
        CHECK(response.has_value());
        CHECK(response->body == "late");
    });
    while (!taken)
        std::this_thread::yield();
    CHECK(http_request(path, "GET", "/release"));
    first.join();
}

TEST_CASE("server: requests over TCP have no credentials") {
    auto listener = Listener::tcp("127.0.0.1:0");
    REQUIRE(listener);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(listener->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    RunningServer server(std::move(*listener), [](const HttpRequest &request, const HttpRespond &respond) {
        HttpResponse response;
        response.body = request.peer.known ? "known" : "unknown";
        respond(std::move(response));
    });
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
    const std::string_view request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    REQUIRE(::send(client.get(), request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
    std::string got;
    char chunk[512];
    for (ssize_t count = 1; (count = ::recv(client.get(), chunk, sizeof chunk, 0)) > 0;)
        got.append(chunk, static_cast<std::size_t>(count));
    CHECK(got.substr(0, 15) == "HTTP/1.1 200 OK");
    CHECK(got.substr(got.size() - 7) == "unknown");
}

TEST_CASE("server: destruction closes all connections, with unanswered requests too") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    boost::asio::io_context loop;
    HttpRespond never;
    auto server = HttpServer::serve(
        loop, listen_on(path), [&](const HttpRequest &, HttpRespond respond) { never = std::move(respond); });
    RawClient client(path);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    while (!never)
        loop.run_one();
    CHECK(server->connections() == 1);
    server.reset();
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(client.receive().empty());
    CHECK(client.closed);
    never({}); // too late: ignored
    loop.run();
    CHECK(client.receive().empty());
}

TEST_CASE("server: a handler that never responds results in 504") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    HttpLimits limits;
    limits.answer = 50ms;
    RunningServer server(
        listen_on(path), [](const HttpRequest &, const HttpRespond &) {}, limits);
    const auto response = http_request(path, "GET", "/");
    REQUIRE(response);
    CHECK(response->status == 504);
}

TEST_CASE("server: keep-alive serves several requests per connection, HEAD has no body") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    RunningServer server(listen_on(path), echo);
    RawClient client(path);
    client.send("GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.receive("GET /one ").find("200 OK") != std::string::npos);
    client.send(
        "HEAD /head HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto rest = client.receive();
    CHECK(client.closed);
    CHECK(rest.find("/head") == std::string::npos);
    CHECK(rest.find("Content-Length: 10") != std::string::npos); // "GET /head "
    CHECK(rest.find("GET /two ") != std::string::npos);
}

TEST_CASE("server: Expect: 100-continue is answered before the body") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    RunningServer server(listen_on(path), echo);
    RawClient client(path);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.receive("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi");
    CHECK(client.receive("POST / hi").find("POST / hi") != std::string::npos);
}

TEST_CASE("server: malformed and oversized requests get a status and the error document") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    HttpLimits limits;
    limits.body_bytes = 1000;
    limits.header_bytes = 2000;
    RunningServer server(listen_on(path), echo, limits);

    const std::map<std::string, std::string> cases{
        {"\x16\x03\x01\x02 this is TLS\r\n\r\n", "400"},
        {"GET / HTTP/9.9\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(4000, 'x') + "\r\n\r\n", "431"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", "413"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x') +
             "\r\n0\r\n\r\n",
         "413"},
    };
    for (const auto &[bytes, status] : cases) {
        RawClient client(path);
        client.send(bytes);
        const auto answer = client.receive();
        INFO(bytes.substr(0, 60));
        CHECK(answer.substr(0, 12) == "HTTP/1.1 " + status);
        CHECK(answer.find(R"({"errors":[{"pointer":"","message":)") != std::string::npos);
        CHECK(client.closed);
    }
    CHECK(http_request(path, "GET", "/alive")->status == 200);

    const auto refused = http_request(path, "POST", "/", std::string(8u << 20, 'x'));
    REQUIRE(refused); // the response arrives although the server does not read the body
    CHECK(refused->status == 413);
}

TEST_CASE("server: incomplete requests time out and block no others") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    HttpLimits limits;
    limits.idle = 1s; // long enough for the complete request below on a busy machine
    limits.body = 1s;
    RunningServer server(listen_on(path), echo, limits);

    RawClient idle(path), half_header(path), half_body(path);
    half_header.send("GET / HT");
    half_body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(http_request(path, "GET", "/")->status == 200);
    for (auto *client : {&idle, &half_header, &half_body}) {
        CHECK(client->receive().empty());
        CHECK(client->closed);
    }
    CHECK(http_request(path, "GET", "/")->status == 200);
}

TEST_CASE("server: 200 concurrent connections are served, idle ones included") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    RunningServer server(listen_on(path), echo);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 200; ++i) {
        clients.push_back(std::make_unique<RawClient>(path));
        REQUIRE(clients.back()->connected());
        clients.back()->send("GET /" + std::to_string(i) + " HTTP/1.1\r\n");
    }
    CHECK(http_request(path, "GET", "/")->status == 200);
    int served = 0;
    for (int i = 199; i >= 0; --i) {
        clients[i]->send("Host: x\r\n\r\n");
        const auto wanted = "GET /" + std::to_string(i) + " ";
        served += clients[i]->receive(wanted).find(wanted) != std::string::npos;
    }
    CHECK(served == 200);
}

TEST_CASE("server: beyond the connection limit the next gets 503, and is served once one has closed") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    HttpLimits limits;
    limits.connections = 2;
    RunningServer server(listen_on(path), echo, limits);
    RawClient one(path);
    auto two = std::make_unique<RawClient>(path);
    for (auto *client : {&one, two.get()}) { // both are established before the third
        client->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK_FALSE(client->receive("GET / ").empty());
    }
    CHECK(http_request(path, "GET", "/")->status == 503);
    two.reset();
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    unsigned status = 503;
    while (status == 503 && std::chrono::steady_clock::now() < deadline)
        status = http_request(path, "GET", "/")->status;
    CHECK(status == 200);
}

TEST_CASE("listener: the socket file has mode 0660, and is removed with its listener") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    {
        const auto listener = listen_on(path);
        struct stat file {};
        REQUIRE(::stat(path.c_str(), &file) == 0);
        CHECK((file.st_mode & 07777) == 0660);
        CHECK_FALSE(std::filesystem::exists(path.native() + ".new"));
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("listener: the socket belongs to the group if it exists") {
    if (::getuid() != 0)
        return;
    const auto *group = ::getgrnam("daemon");
    REQUIRE(group != nullptr);
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    const auto listener = Listener::unix_socket(path, "daemon");
    REQUIRE(listener);
    struct stat file {};
    REQUIRE(::stat(path.c_str(), &file) == 0);
    CHECK(file.st_gid == group->gr_gid);
    CHECK(Listener::unix_socket(folder.path() / "t", "no-such-group"));
}

TEST_CASE("listener: the socket of a dead process is replaced, one in use or a plain file is not") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    {
        // As after kill -9: bound, closed, never unlinked.
        Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(dead.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
    }
    const auto listener = listen_on(path);
    const auto second = Listener::unix_socket(path);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == EADDRINUSE);
    CHECK(RawClient(path).connected());

    const auto plain = folder.path() / "plain";
    ::close(::open(plain.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const auto third = Listener::unix_socket(plain);
    REQUIRE_FALSE(third);
    CHECK(third.error().code == EEXIST);
    CHECK(std::filesystem::is_regular_file(plain));
    CHECK_FALSE(Listener::unix_socket(folder.path() / std::string(120, 'x')));
    CHECK_FALSE(Listener::unix_socket(folder.path() / "absent" / "s"));
}

TEST_CASE("client: the error code identifies the failure") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    CHECK(http_request(path, "GET", "/").error().code == ENOENT);

    Fd unresponsive(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(unresponsive.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
    CHECK(http_request(path, "GET", "/").error().code == ECONNREFUSED);
    REQUIRE(::listen(unresponsive.get(), 8) == 0);
    CHECK(http_request(path, "GET", "/", "", 100ms).error().code == ETIMEDOUT);
}
