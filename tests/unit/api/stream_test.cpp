// Responses in chunks: the server sends them with backpressure and limits, the client passes them on.
#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "fake_documents.h"
#include "running_server.h"

using namespace glb;
using namespace glb::test;
using namespace std::chrono_literals;

namespace {

HttpHandler respond_with(std::function<ChunkSource()> make_source) {
    return [make_source = std::move(make_source)](const HttpRequest &request, const HttpRespond &respond) {
        HttpResponse response;
        if (request.target == "/stream")
            response.chunks = make_source();
        else
            response.body = "plain";
        respond(std::move(response));
    };
}

/// Produces until it is destroyed, and counts.
struct Endless {
    std::atomic<std::uint64_t> produced = 0;
    std::atomic<int> alive = 0;

    ChunkSource source() {
        struct Lifetime {
            std::atomic<int> &alive;
            explicit Lifetime(std::atomic<int> &count) : alive(count) { ++alive; }
            ~Lifetime() { --alive; }
        };
        return [this, lifetime = std::make_shared<Lifetime>(alive)](std::string &chunk) {
            chunk.assign(chunk_bytes, 'x');
            produced += chunk.size();
            return true;
        };
    }
};

class Server {
  public:
    explicit Server(std::function<ChunkSource()> make_source, HttpLimits limits = {})
        : server_(*Listener::unix_socket(path()), respond_with(std::move(make_source)), limits) {}

    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "s"; }
    [[nodiscard]] RawClient begin_stream(const std::string &method = "GET",
                                         const std::string &version = "1.1") const {
        RawClient client(path());
        client.send(method + " /stream HTTP/" + version + "\r\nHost: x\r\n\r\n");
        return client;
    }
    [[nodiscard]] Result<HttpResponse> stream(const HttpBodySink &sink,
                                              std::chrono::milliseconds timeout = 10s) const {
        return http_stream(path(), "GET", "/stream", sink, timeout);
    }

  private:
    TemporaryFolder folder_;
    RunningServer server_;
};

/// `condition` may have side effects, such as taking a stream's slot: it is not evaluated again once it is true.
template <typename Condition>
bool becomes_true(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

bool accept_all(const HttpResponse &, std::string_view) {
    return true;
}

} // namespace

TEST_CASE("stream: a million rows arrive complete, with a bounded number of bytes in flight") {
    std::atomic<std::uint64_t> produced = 0;
    const Server server([&] {
        return [&, rows = generate_flows(1'000'000)](std::string &chunk) {
            const bool more = rows(chunk);
            produced += chunk.size();
            return more;
        };
    });
    std::uint64_t consumed = 0;
    std::uint64_t most_in_flight = 0;
    std::string end;
    const auto response = server.stream([&](const HttpResponse &head, std::string_view piece) {
        CHECK(head.status == 200);
        consumed += piece.size();
        most_in_flight = std::max(most_in_flight, produced - consumed);
        end = (end + std::string(piece))
                  .substr(end.size() + piece.size() - std::min<std::size_t>(40, end.size() + piece.size()));
        return true;
    });
    REQUIRE(response);
    CHECK(response->body.empty());
    CHECK(consumed == produced);
    CHECK(consumed > (100u << 20));
    CHECK(end.ends_with("\"total\":1000000,\"truncated\":false}"));
    CHECK(most_in_flight < (1u << 20)); // a chunk in the server, buffers of the socket, a piece in the client
}

TEST_CASE("stream: chunks are produced off the loop, which serves other requests meanwhile") {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_producing = false;
    bool is_released = false;
    const Server server([&] {
        return [&](std::string &chunk) {
            std::unique_lock lock(mutex);
            is_producing = true;
            changed.notify_all();
            changed.wait(lock, [&] { return is_released; });
            chunk = "done";
            return false;
        };
    });
    auto client = server.begin_stream();
    {
        std::unique_lock lock(mutex);
        REQUIRE(changed.wait_for(lock, 20s, [&] { return is_producing; }));
    }
    CHECK(http_request(server.path(), "GET", "/")->body == "plain");
    {
        const std::lock_guard lock(mutex);
        is_released = true;
    }
    changed.notify_all();
    const auto text = client.receive("0\r\n\r\n");
    CHECK(text.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(text.ends_with("\r\n\r\n4\r\ndone\r\n0\r\n\r\n"));
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"); // the connection is still usable
    CHECK(client.receive("0\r\n\r\n").ends_with("done\r\n0\r\n\r\n"));
}

TEST_CASE("stream: empty chunks in between, and at the end, are not sent") {
    const Server server([] {
        return [calls = 0](std::string &chunk) mutable {
            if (++calls == 2 || calls == 4)
                chunk = std::to_string(calls);
            return calls < 5;
        };
    });
    CHECK(server.begin_stream().receive("0\r\n\r\n").ends_with("\r\n\r\n1\r\n2\r\n1\r\n4\r\n0\r\n\r\n"));
}

TEST_CASE("stream: HTTP/1.0 gets the body until the connection ends, HEAD gets none") {
    const Server server([] { return generate_flows(3); });
    auto old = server.begin_stream("GET", "1.0");
    const auto text = old.receive();
    CHECK(old.closed);
    CHECK(text.find("chunked") == std::string::npos);
    CHECK(text.find("\r\n\r\n{\"flows\":[{") != std::string::npos);
    CHECK(text.ends_with("\"total\":3,\"truncated\":false}"));

    auto head = server.begin_stream("HEAD");
    head.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto both = head.receive("plain");
    CHECK(both.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(both.find("flows") == std::string::npos);
}

TEST_CASE("stream: a client that does not read is dropped, and its slot becomes free") {
    Endless endless;
    HttpLimits limits;
    limits.streams = 1;
    limits.write = 200ms;
    const Server server([&] { return endless.source(); }, limits);
    auto unread = server.begin_stream();
    REQUIRE(becomes_true([&] { return endless.alive == 1; }));
    REQUIRE(becomes_true([&] { return endless.alive == 0; }));
    CHECK(endless.produced < (2u << 20)); // what the socket buffers, and a chunk
    CHECK(server.begin_stream().receive("\r\n").starts_with("HTTP/1.1 200"));
    const auto partial = unread.receive();
    CHECK(unread.closed);
    CHECK_FALSE(partial.ends_with("0\r\n\r\n")); // the client sees that it is incomplete
}

TEST_CASE("stream: a client that reads too slowly is dropped after the limit for all chunks") {
    Endless endless;
    HttpLimits limits;
    limits.stream_total = 300ms;
    const Server server([&] { return endless.source(); }, limits);
    std::uint64_t received = 0;
    const auto response = server.stream([&](const HttpResponse &, std::string_view piece) {
        received += piece.size();
        return true;
    });
    REQUIRE_FALSE(response);
    CHECK(response.error().code == ECONNRESET);
    CHECK(received > 0);
    CHECK(becomes_true([&] { return endless.alive == 0; }));
}

TEST_CASE("stream: the source is released when the client disconnects") {
    Endless endless;
    const Server server([&] { return endless.source(); });
    {
        auto client = server.begin_stream();
        CHECK_FALSE(client.receive("xxx").empty());
        CHECK(endless.alive == 1);
    }
    CHECK(becomes_true([&] { return endless.alive == 0; }));
    CHECK(http_request(server.path(), "GET", "/")->body == "plain");
}

TEST_CASE("stream: beyond the limit the next one gets 503, other requests do not") {
    Endless endless;
    const Server server([&] { return endless.source(); });
    std::vector<RawClient> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(server.begin_stream());
        CHECK_FALSE(clients.back().receive("xxx").empty());
    }
    const auto refused = server.stream(accept_all);
    REQUIRE(refused);
    CHECK(refused->status == 503);
    CHECK(refused->body.find("4 listings are in progress, which is the limit; retry later") !=
          std::string::npos);
    CHECK(http_request(server.path(), "GET", "/")->status == 200);
    CHECK(server.begin_stream("HEAD").receive("\r\n\r\n").starts_with("HTTP/1.1 200"));
    clients.pop_back();
    CHECK(becomes_true([&] { return server.begin_stream().receive("\r\n").starts_with("HTTP/1.1 200"); }));
}

TEST_CASE("stream: destroying the server closes streams in progress and releases their sources") {
    Endless endless;
    auto server = std::make_unique<Server>([&] { return endless.source(); });
    auto client = server->begin_stream();
    CHECK_FALSE(client.receive("xxx").empty());
    server.reset();
    CHECK(endless.alive == 0);
    CHECK_FALSE(client.receive().ends_with("0\r\n\r\n"));
    CHECK(client.closed);
}

TEST_CASE("http_stream: the sink gets the head first, and may end the transfer") {
    Endless endless;
    const Server server([&] { return endless.source(); });
    std::vector<std::size_t> sizes;
    const auto response = server.stream([&](const HttpResponse &head, std::string_view piece) {
        CHECK(head.content_type == "application/json");
        sizes.push_back(piece.size());
        return sizes.size() < 3;
    });
    REQUIRE_FALSE(response);
    CHECK(response.error().code == ECANCELED);
    REQUIRE(sizes.size() == 3);
    CHECK(sizes[0] == 0);
    CHECK(sizes[1] > 0);
}

TEST_CASE("http_stream: pieces are passed on as they arrive, and the timeout applies to each of them") {
    std::atomic<int> allowed = 1;
    const Server server([&] {
        return [&, sent = 0](std::string &chunk) mutable {
            if (sent < allowed)
                chunk = std::to_string(++sent);
            return sent < 3;
        };
    });
    std::string received;
    const auto response = server.stream([&](const HttpResponse &, std::string_view piece) {
        received += piece;
        if (!piece.empty())
            ++allowed; // the next piece is produced only after this one has arrived
        return true;
    });
    CHECK(response);
    CHECK(received == "123");

    allowed = 0; // no piece at all
    const auto stalled = server.stream(accept_all, 200ms);
    REQUIRE_FALSE(stalled);
    CHECK(stalled.error().code == ETIMEDOUT);
    allowed = 3; // otherwise the source would never end
}

TEST_CASE("http_stream: the body of another status is returned, not passed to the sink") {
    TemporaryFolder folder;
    const auto path = folder.path() / "s";
    const RunningServer server(*Listener::unix_socket(path),
                               [](const HttpRequest &, const HttpRespond &respond) {
                                   HttpResponse response;
                                   response.status = 404;
                                   response.body = "absent";
                                   respond(std::move(response));
                               });
    std::string received;
    const auto response = http_stream(
        path, "GET", "/",
        [&](const HttpResponse &, std::string_view piece) {
            received += piece;
            return true;
        },
        10s);
    REQUIRE(response);
    CHECK(response->status == 404);
    CHECK(response->body == "absent");
    CHECK(received.empty());
    CHECK(http_stream(folder.path() / "absent", "GET", "/", accept_all, 1s).error().code == ENOENT);
}
