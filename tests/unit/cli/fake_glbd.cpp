// fake-glbd SOCKET [MODE]: the real server and routes in front of a fake node, for the tests of glbctl as a
// process. Prints "ready" when it listens, and serves until its stdin ends, so that it cannot outlive a test.
// Modes: warning or error (the node is ready, with such a condition), drained (a drain survived a restart), last-flow (fw-1 has one), broken (a flow listing that is cut off), million (flows).
#include <cstdio>
#include <limits>
#include <string>

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "controller/api/v1/routes.h"
#include "tests/unit/api/fake_node.h"

namespace {

/// fw-1 has one flow.
class LastFlow : public glb::test::FakeNode {
  public:
    glb::Result<glb::documents::TargetList> targets(const std::optional<std::string> &group) const override {
        GLB_ASSIGN(auto document, FakeNode::targets(group));
        document.targets.at(0).active_flows = 1;
        return document;
    }
    void drain(glb::control::DrainRequest request, Done<glb::documents::Drain> done) override {
        auto document = execute_drain(request);
        if (document)
            document->active_flows = 1;
        done(document);
    }
};

} // namespace

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3)
        return 2;
    boost::asio::io_context loop;
    const std::string mode = argc == 3 ? argv[2] : "";
    glb::test::FakeNode plain;
    LastFlow last_flow;
    auto &node = mode == "last-flow" ? last_flow : plain;
    node.is_drained = mode == "drained";
    if (mode == "warning" || mode == "error")
        node.has_degraded_only = mode;
    if (mode == "guard of another")
        node.guard_of_other = "the guard belongs to node \"b\"";
    if (mode == "million")
        node.generated_flows = 1'000'000;
    glb::HttpLimits limits;
    if (mode == "broken") { // the source never ends, and the server aborts the stream
        node.generated_flows = std::numeric_limits<std::uint64_t>::max();
        limits.stream_total = std::chrono::milliseconds(300);
    }
    auto listener = glb::Listener::unix_socket(argv[1]);
    if (!listener) {
        std::fprintf(stderr, "fake-glbd: %s\n", listener.error().message.c_str());
        return 1;
    }
    const auto server =
        glb::HttpServer::serve(loop, std::move(*listener), glb::api::api_routes(node, node), limits);
    boost::asio::posix::stream_descriptor input(loop, ::dup(STDIN_FILENO));
    input.async_wait(boost::asio::posix::descriptor_base::wait_read, [&](auto) { loop.stop(); });
    std::puts("ready");
    std::fflush(stdout);
    loop.run();
    return 0;
}
