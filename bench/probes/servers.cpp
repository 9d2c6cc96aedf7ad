#include "bench/probes/servers.h"

#include <csignal>
#include <stdexcept>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/health/tls_server.h"

namespace glb::bench {

namespace {

constexpr auto answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

template <typename Server>
[[noreturn]] void serve(boost::asio::io_context &loop, const Server &server, int port_pipe) {
    const auto port = server.port();
    if (::write(port_pipe, &port, sizeof port) != sizeof port)
        ::_exit(1);
    loop.run();
    ::_exit(0);
}

[[noreturn]] void run(ServerProtocol protocol, int port_pipe) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    boost::asio::io_context loop;
    if (protocol == ServerProtocol::https)
        serve(loop, test::TlsServer(loop, test::self_signed(), answer), port_pipe);
    serve(loop,
          test::ScriptedServer(loop,
                               [protocol](test::tcp::socket &peer) -> test::Awaitable {
                                   if (protocol == ServerProtocol::tcp) {
                                       co_await test::wait_until_closed(peer);
                                       co_return;
                                   }
                                   const std::string text = answer;
                                   (void)co_await test::read_request(peer);
                                   co_await test::send(peer, text);
                               }),
          port_pipe);
}

} // namespace

ServerProcess::ServerProcess(ServerProtocol protocol) {
    int ends[2];
    if (::pipe(ends) != 0)
        throw std::runtime_error("cannot create a pipe");
    pid_ = ::fork();
    if (pid_ < 0)
        throw std::runtime_error("cannot start a server");
    if (pid_ == 0)
        run(protocol, ends[1]);
    ::close(ends[1]);
    const bool started = ::read(ends[0], &port_, sizeof port_) == sizeof port_;
    ::close(ends[0]);
    if (!started)
        throw std::runtime_error("the server did not start");
}

ServerProcess::~ServerProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

} // namespace glb::bench
