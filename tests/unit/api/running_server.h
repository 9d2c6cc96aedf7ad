// A server with a loop, a thread and a pool of its own, and a raw client that may send anything.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <catch2/catch.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "lib/http/http.h"
#include "lib/http/offload_pool.h"

namespace glb::test {

/// A folder that is removed with the test.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "glb-api-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

  private:
    std::filesystem::path path_;
};

class RunningServer {
  public:
    RunningServer(Listener listener, HttpHandler handler, HttpLimits limits = {})
        : guard_(loop_.get_executor()),
          server_(HttpServer::serve(
              loop_, std::move(listener), std::move(handler), limits,
              [this](auto work, auto done) { pool_.run(std::move(work), std::move(done)); })),
          thread_([this] { loop_.run(); }) {}
    ~RunningServer() {
        boost::asio::post(loop_, [this] {
            server_.reset();
            guard_.reset();
        });
        thread_.join();
    }
    RunningServer(const RunningServer &) = delete;
    RunningServer &operator=(const RunningServer &) = delete;

  private:
    boost::asio::io_context loop_;
    OffloadPool pool_{loop_};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
};

/// A connected Unix socket without any HTTP.
class RawClient {
  public:
    explicit RawClient(const std::filesystem::path &path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
    }
    [[nodiscard]] bool connected() const { return connected_; }

    void send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    /// Receives until `until` has arrived, the peer closes (then `closed` is set), or nothing arrives for
    /// five seconds.
    [[nodiscard]] std::string receive(std::string_view until = {}) {
        std::string got;
        char chunk[4096];
        pollfd waiting{fd_.get(), POLLIN, 0};
        while ((until.empty() || got.find(until) == std::string::npos) && ::poll(&waiting, 1, 5000) == 1) {
            const auto count = ::recv(fd_.get(), chunk, sizeof chunk, 0);
            if (count <= 0) {
                closed = true;
                break;
            }
            got.append(chunk, static_cast<std::size_t>(count));
        }
        return got;
    }

    bool closed = false;

  private:
    Fd fd_;
    bool connected_ = false;
};

} // namespace glb::test
