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
[[noreturn]] void serve(boost::asio::io_context &loop, const Server &server, int tell) {
    const auto port = server.port();
    if (::write(tell, &port, sizeof port) != sizeof port)
        ::_exit(1);
    loop.run();
    ::_exit(0);
}

[[noreturn]] void run(Speaks speaks, int tell) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    boost::asio::io_context loop;
    if (speaks == Speaks::https)
        serve(loop, test::TlsServer(loop, test::self_signed(), answer), tell);
    serve(loop,
          test::LittleServer(loop,
                             [speaks](test::tcp::socket &peer) -> test::Nothing {
                                 if (speaks == Speaks::nothing) {
                                     co_await test::until_gone(peer);
                                     co_return;
                                 }
                                 const std::string text = answer;
                                 (void)co_await test::read_request(peer);
                                 co_await test::send(peer, text);
                             }),
          tell);
}

} // namespace

ServerProcess::ServerProcess(Speaks speaks) {
    int ends[2];
    if (::pipe(ends) != 0)
        throw std::runtime_error("cannot create a pipe");
    pid_ = ::fork();
    if (pid_ < 0)
        throw std::runtime_error("cannot start a server");
    if (pid_ == 0)
        run(speaks, ends[1]);
    ::close(ends[1]);
    const bool told = ::read(ends[0], &port_, sizeof port_) == sizeof port_;
    ::close(ends[0]);
    if (!told)
        throw std::runtime_error("the server did not come up");
}

ServerProcess::~ServerProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

} // namespace glb::bench
