// Random faults under the traffic of two tenants with equal addresses. GLB_CHAOS_SECONDS: duration (default 60),
// GLB_CHAOS_SEED: repeats a run (default 1).
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "tests/harness/skip.h"
#include "tests/netns/chaos/faults.h"
#include "tests/netns/chaos/inspected_stream.h"
#include "tests/netns/testbed/scenario.h"

using namespace glb::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

unsigned number_from(const char *name, unsigned otherwise) {
    const char *text = std::getenv(name);
    return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// Of the recovery of a target that failed repeatedly (health/backoff.h).
constexpr auto longest_delay = 300s;

/// Ready, and nothing is wrong.
bool is_green(const Daemon &glbd) {
    const auto answer = glbd.ctl({"status"});
    return answer.code == 0 && answer.document.value("ready", false) &&
           answer.document.at("degraded").empty();
}

class Chaos {
  public:
    explicit Chaos(unsigned seed)
        : glbd_(testbed_.node), world_{testbed_, glbd_, testbed_.manifest(), std::mt19937(seed),
                                       (glbd_.folder() / "chaos").string()} {
        std::filesystem::create_directories(world_.folder);
        glbd_.start(world_.manifest);
        if (!glbd_.wait_healthy(3))
            throw std::runtime_error("no traffic without faults: " + glbd_.log());
        a_.emplace("a", testbed_.a.client, testbed_.a.server, TwoArm::server_address, 4ms);
        b_.emplace("b", testbed_.b.client, testbed_.b.server, TwoArm::server_address, 4ms);
    }

    void run(std::chrono::seconds time) {
        const auto kinds = all_faults();
        const auto end = Clock::now() + time;
        while (Clock::now() < end) {
            step(kinds[world_.pick(kinds.size())](world_));
            if (world_.pick(2))
                recover();
        }
        recover();
        INFO(world_state());
        CHECK(glbd_.wait_healthy(3, longest_delay + 30s));
    }

    [[nodiscard]] unsigned steps() const { return steps_; }
    [[nodiscard]] InspectedStream::Tally total() const {
        auto sum = a_->tally();
        const auto other = b_->tally();
        sum.sent += other.sent, sum.echoed += other.echoed;
        sum.uninspected += other.uninspected, sum.foreign += other.foreign;
        return sum;
    }

  private:
    void step(const Fault &fault) {
        ++steps_;
        std::printf("chaos: %u: %s\n", steps_, fault.name.c_str());
        std::fflush(stdout);
        INFO("step " << steps_ << ": " << fault.name);
        fault.begin();
        if (fault.visible != Visible::no) {
            const auto told = [&] { return !is_green(glbd_) || !fault.holds(); };
            CHECK(eventually(2s, told));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100 * world_.pick(10)));
        // Status may have told of the fault before this one, and that may be over.
        if (fault.visible == Visible::while_held)
            CHECK(eventually(2s, [&] { return !is_green(glbd_); }));
        fault.end();
        check_packets();
    }

    /// After the last fault every target that answers is in, and both tenants' packets pass. The recovery of one that
    /// failed repeatedly is delayed, and status says so.
    void recover() {
        const bool are_in = eventually(30s, [&] { return count(State::out) == 0; });
        INFO("after step " << steps_ << "\n" << world_state());
        REQUIRE(are_in); // later steps would only repeat it
        CHECK((count(State::delayed) == 0 || !is_green(glbd_)));
        CHECK(a_->passes(10s));
        CHECK(b_->passes(10s));
        check_packets();
    }

    enum class State { in, delayed, out };

    /// Of the three targets; those that drain under an earlier address do not count.
    [[nodiscard]] static State state_of(const json &target) {
        if (target.at("state") == "healthy" || target.at("state") == "draining")
            return State::in;
        const auto text =
            target.at("description").is_null() ? "" : target.at("description").get<std::string>();
        return text.find("again; recovery delayed by ") != std::string::npos ? State::delayed : State::out;
    }
    [[nodiscard]] long count(State state) const {
        const auto answer = glbd_.ctl({"targets"});
        if (answer.code != 0)
            return state == State::out ? 1 : 0;
        return std::ranges::count(answer.document.at("targets"), state, state_of);
    }
    [[nodiscard]] std::string world_state() const { return glbd_.log() + "\n" + glbd_.ctl({"targets"}).text; }

    void check_packets() {
        const auto now = total();
        CHECK(now.uninspected == uninspected_);
        CHECK(now.foreign == foreign_);
        uninspected_ = now.uninspected, foreign_ = now.foreign; // each is reported once
    }

    TwoTenants testbed_;
    Daemon glbd_;
    FaultWorld world_;
    std::optional<InspectedStream> a_, b_; ///< from the moment on at which the node is ready
    unsigned steps_ = 0;
    std::uint64_t uninspected_ = 0, foreign_ = 0;
};

} // namespace

TEST_CASE("chaos: random faults let no packet pass uninspected and none meet the wrong tenant") {
    need_root();
    const auto seed = number_from("GLB_CHAOS_SEED", 1);
    const std::chrono::seconds time(number_from("GLB_CHAOS_SECONDS", 60));
    std::printf("chaos: GLB_CHAOS_SEED=%u GLB_CHAOS_SECONDS=%lld\n", seed,
                static_cast<long long>(time.count()));
    Chaos chaos(seed);
    chaos.run(time);
    const auto total = chaos.total();
    std::printf("chaos: %u faults, %llu datagrams, %llu echoed\n", chaos.steps(),
                static_cast<unsigned long long>(total.sent), static_cast<unsigned long long>(total.echoed));
    record_scenario("random faults", {total.sent, total.uninspected, {}, "packets", "passed uninspected"});
    record_scenario("random faults, the other tenant",
                    {total.sent, total.foreign, {}, "packets", "met the wrong tenant"});
    CHECK(total.echoed > total.sent / 4); // the traffic is real
}
