// sd_notify: READY means that the data path is attached and configured.
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>

#include "controller/util/fd.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

/// The service manager's end of sd_notify(3).
class NotifySocket {
  public:
    NotifySocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        path().string().copy(name.sun_path, sizeof name.sun_path - 1);
        REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr *>(&name), sizeof name) == 0);
    }
    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "notify"; }

    /// All messages so far.
    [[nodiscard]] const std::string &messages() {
        char text[512];
        for (ssize_t length = 0; (length = ::recv(fd_.get(), text, sizeof text, 0)) > 0;)
            messages_ += std::string(text, static_cast<std::size_t>(length)) + '\n';
        return messages_;
    }
    [[nodiscard]] bool received(const std::string &text) {
        return messages().find(text) != std::string::npos;
    }

  private:
    TempFolder folder_;
    glb::Fd fd_;
    std::string messages_;
};

} // namespace

TEST_CASE("readiness: READY is sent once the data path is attached and configured, and not before") {
    need_root();
    const TwoArm testbed;
    NotifySocket systemd;
    Daemon glbd(testbed.node);
    glbd.launch(nullptr, {}, {"env", "NOTIFY_SOCKET=" + systemd.path().string()});
    REQUIRE(eventually(5s, [&] { return systemd.received("STATUS=not ready: waiting for a manifest"); }));
    auto manifest = testbed.manifest();
    const auto address = manifest["node"]["tunnel"]["address"].get<std::string>();

    // A missing tunnel address is a warning, and the node waits for it.
    manifest["node"]["tunnel"]["address"] = "10.1.0.77";
    REQUIRE(glbd.apply(manifest).code == 0);
    REQUIRE(eventually(
        5s, [&] { return systemd.received("STATUS=not ready: waiting for the tunnel address 10.1.0.77"); }));
    const auto status = glbd.must_ctl({"status"});
    CHECK(status.at("ready") == false);
    CHECK(status.at("notReadyReason") == "waiting for the tunnel address 10.1.0.77");
    CHECK_FALSE(systemd.received("READY=1"));

    manifest["node"]["tunnel"]["address"] = address;
    REQUIRE(glbd.apply(manifest).code == 0);
    CHECK(eventually(5s, [&] { return systemd.received("READY=1"); }));
    CHECK(glbd.must_ctl({"status"}).at("notReadyReason").is_null());

    // What systemd shows follows what happens later.
    testbed.node.must({"ip", "link", "del", "srv0"});
    CHECK(
        eventually(5s, [&] { return systemd.received("STATUS=not ready: interface srv0 does not exist"); }));
}
