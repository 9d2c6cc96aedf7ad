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

/// Answers with what it was asked.
void echo(const HttpRequest &request, const HttpRespond &respond) {
    HttpResponse response;
    response.body = request.method + ' ' + request.target + ' ' + request.body;
    respond(std::move(response));
}

} // namespace

TEST_CASE("a request and its answer cross the socket whole") {
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

TEST_CASE("each request names the process that sent it") {
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

TEST_CASE("over TCP nobody is known, and the port is told") {
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

TEST_CASE("an answer may come later, from the loop") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    HttpRespond waiting; // the loop's alone
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

TEST_CASE("over TCP requests are served without a peer") {
    auto listener = Listener::tcp("127.0.0.1:0");
    REQUIRE(listener);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(listener->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    RunningServer server(std::move(*listener), [](const HttpRequest &request, const HttpRespond &respond) {
        HttpResponse response;
        response.body = request.peer.known ? "known" : "nobody";
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
    CHECK(got.substr(got.size() - 6) == "nobody");
}

TEST_CASE("the server's end closes everything at once, a request without an answer too") {
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
    never({}); // too late, and harmless
    loop.run();
    CHECK(client.receive().empty());
}

TEST_CASE("a handler that never answers costs its client a 504, nobody else anything") {
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

TEST_CASE("keep-alive serves several requests on one connection, HEAD has no body") {
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

TEST_CASE("Expect: 100-continue is answered before the body comes") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    RunningServer server(listen_on(path), echo);
    RawClient client(path);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.receive("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi");
    CHECK(client.receive("POST / hi").find("POST / hi") != std::string::npos);
}

TEST_CASE("garbage and what is too large are refused with a status and the error document") {
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
    REQUIRE(refused); // the answer arrives although the server does not want the body
    CHECK(refused->status == 413);
}

TEST_CASE("half requests end by their timeout and hold nobody") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    HttpLimits limits;
    limits.idle = 1s; // the whole request below is in time, however busy the machine
    limits.body = 1s;
    RunningServer server(listen_on(path), echo, limits);

    RawClient silent(path), half_header(path), half_body(path);
    half_header.send("GET / HT");
    half_body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(http_request(path, "GET", "/")->status == 200);
    for (auto *client : {&silent, &half_header, &half_body}) {
        CHECK(client->receive().empty());
        CHECK(client->closed);
    }
    CHECK(http_request(path, "GET", "/")->status == 200);
}

TEST_CASE("200 connections at once are all served, idle ones beside them") {
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

TEST_CASE("beyond the limit of connections the next one gets a 503, and a place once one has gone") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    HttpLimits limits;
    limits.connections = 2;
    RunningServer server(listen_on(path), echo, limits);
    RawClient one(path);
    auto two = std::make_unique<RawClient>(path);
    for (auto *client : {&one, two.get()}) { // both are known to the server before the third comes
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

TEST_CASE("the socket file has mode 0660, and goes with its listener") {
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

TEST_CASE("the socket belongs to the group, where that exists") {
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

TEST_CASE("a dead process's socket is replaced, a living one and a plain file are not") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    {
        // Left behind as by kill -9: bound, closed, never unlinked.
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

TEST_CASE("the client tells what failed") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    CHECK(http_request(path, "GET", "/").error().code == ENOENT);

    Fd silent(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(silent.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
    CHECK(http_request(path, "GET", "/").error().code == ECONNREFUSED);
    REQUIRE(::listen(silent.get(), 8) == 0);
    CHECK(http_request(path, "GET", "/", "", 100ms).error().code == ETIMEDOUT);
}
