// Listings of a full flow table by glbd itself.
#include <catch2/catch.hpp>

#include <fstream>
#include <list>

#include <poll.h>
#include <sys/un.h>

#include <bpf/bpf.h>
#include <fmt/format.h>

#include "controller/datapath/mapped.h"
#include "controller/plan/maglev_generations.h"
#include "tests/harness/flow_rows.h"
#include "tests/harness/skip.h"
#include "tests/netns/testbed/sockets.h"
#include "tests/netns/testbed/testbeds.h"

using namespace glb::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t flows = 1 << 20;
constexpr std::size_t streams = 4; // HttpLimits::streams
constexpr std::size_t most_kib = 50 << 10;

/// Maps an array of the flow table by its pin.
template <typename Row>
glb::datapath::Mapped<Row> pinned_rows(const Daemon &glbd, const std::string &map) {
    for (const auto &pin : glbd.pins())
        if (pin.ends_with("/" + map)) {
            const glb::Fd fd(bpf_obj_get((glbd.bpffs() / pin).c_str()));
            REQUIRE(fd);
            auto rows = glb::datapath::Mapped<Row>::map(fd.get(), flows, map.c_str());
            REQUIRE(rows);
            return std::move(*rows);
        }
    throw std::runtime_error(map + " is not pinned");
}

/// Occupies each slot of the table, as the data path would.
void fill_table(const Daemon &glbd) {
    const auto hot = pinned_rows<glb_flow_hot>(glbd, "glb_flows_hot");
    const auto cold = pinned_rows<glb_flow_cold>(glbd, "glb_flows_cold");
    const auto now = glb::plan::tick_now();
    for (std::uint32_t slot = 0; slot < flows; ++slot)
        put_flow(hot[slot], cold[slot], now);
}

/// Memory of a process that is its own, without mapped maps.
std::size_t private_kib(pid_t pid) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("RssAnon:"))
            return std::stoul(line.substr(8));
    throw std::runtime_error("no RssAnon");
}

/// GET /v1/flows?limit=0, whose response is read only on demand.
class Listing {
  public:
    explicit Listing(const std::string &socket_path)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(socket_path.size() < sizeof address.sun_path);
        socket_path.copy(address.sun_path, socket_path.size());
        REQUIRE(::connect(socket_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
        const std::string request =
            "GET /v1/flows?limit=0 HTTP/1.1\r\nHost: glbd\r\nConnection: close\r\n\r\n";
        REQUIRE(::send(socket_.get(), request.data(), request.size(), 0) ==
                static_cast<ssize_t>(request.size()));
    }

    /// False once the response has ended.
    bool read() {
        REQUIRE(wait_for(socket_, POLLIN, 10s));
        std::array<char, 65536> bytes{};
        const auto length = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        REQUIRE(length >= 0);
        received_ += static_cast<std::size_t>(length);
        tail_.append(bytes.data(), static_cast<std::size_t>(length));
        if (head_.empty())
            head_ = tail_.substr(0, tail_.find('\r'));
        tail_.erase(0, tail_.size() - std::min<std::size_t>(tail_.size(), 128));
        return length > 0;
    }

    [[nodiscard]] std::size_t received() const { return received_; }
    [[nodiscard]] const std::string &head() const { return head_; } ///< the status line
    [[nodiscard]] const std::string &tail() const { return tail_; } ///< the last bytes

  private:
    glb::Fd socket_;
    std::string head_, tail_;
    std::size_t received_ = 0;
};

} // namespace

TEST_CASE("flows: four concurrent listings of a million flows take glbd less than 50 MiB, a fifth gets 503") {
    need_root();
    const TwoArm testbed;
    Daemon glbd(testbed.node);
    auto manifest = testbed.manifest();
    manifest["node"]["flowTable"]["capacity"] = flows;
    glbd.start(manifest);
    REQUIRE(glbd.wait_healthy(1));
    fill_table(glbd);
    const auto before = private_kib(glbd.pid());
    auto peak = before;

    std::list<Listing> listings;
    for (std::size_t i = 0; i < streams; ++i)
        REQUIRE(listings.emplace_back(glbd.socket_path()).read());
    Listing fifth(glbd.socket_path());
    while (fifth.read()) {
    }
    CHECK_THAT(fifth.head(), Catch::StartsWith("HTTP/1.1 503"));
    const auto refused = glbd.ctl({"flows", "--limit", "0"});
    CHECK(refused.code == 1);
    CHECK_THAT(refused.text, Catch::Contains("4 listings are in progress, which is the limit; retry later"));
    CHECK(glbd.ctl({"status"}).code == 0);

    std::size_t bytes = 0, reads = 0;
    for (auto listing = listings.begin(); !listings.empty();) {
        const bool more = listing->read();
        if (++reads % 16 == 0)
            peak = std::max(peak, private_kib(glbd.pid()));
        if (more) {
            if (++listing == listings.end())
                listing = listings.begin();
            continue;
        }
        CHECK(listing->head() == "HTTP/1.1 200 OK");
        CHECK_THAT(listing->tail(),
                   Catch::Contains(fmt::format(R"(],"total":{},"truncated":false}})", flows)));
        CHECK(listing->received() > 100 * std::size_t{flows});
        bytes += listing->received();
        listing = listings.erase(listing);
        if (listing == listings.end())
            listing = listings.begin();
    }
    CHECK(peak - before < most_kib);
    WARN(streams << " listings of " << flows << " flows: " << (bytes >> 20) << " MiB of JSON, "
                 << (peak - before) << " KiB of memory at most");
    CHECK(glbd.ctl({"flows", "--limit", "1"}).code == 0);
}
