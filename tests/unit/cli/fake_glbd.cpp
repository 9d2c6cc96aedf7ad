// fake-glbd SOCKET [drained]: the real server and routes before a fake node, for the tests of glbctl as a
// process. Prints "ready" when it listens, and serves until its stdin ends, so that it never outlives a test.
#include <cstdio>

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "controller/api/v1/routes.h"
#include "tests/unit/api/fake_node.h"

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3)
        return 2;
    boost::asio::io_context loop;
    glb::test::FakeNode node;
    node.is_drained = argc == 3 && std::string(argv[2]) == "drained";
    auto listener = glb::Listener::unix_socket(argv[1]);
    if (!listener) {
        std::fprintf(stderr, "fake-glbd: %s\n", listener.error().message.c_str());
        return 1;
    }
    const auto server = glb::HttpServer::serve(loop, std::move(*listener), glb::api_routes(node));
    boost::asio::posix::stream_descriptor input(loop, ::dup(STDIN_FILENO));
    input.async_wait(boost::asio::posix::descriptor_base::wait_read, [&](auto) { loop.stop(); });
    std::puts("ready");
    std::fflush(stdout);
    loop.run();
    return 0;
}
