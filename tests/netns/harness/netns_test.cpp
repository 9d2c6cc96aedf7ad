#include <filesystem>
#include <net/if.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/harness/leak_check.h"
#include "tests/harness/netns.h"
#include "tests/harness/skip.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("run_command: status, output and time limit") {
    const auto good = run_command({"sh", "-c", "echo out; echo err >&2; exit 3"});
    CHECK(good.code == 3);
    CHECK(good.output == "out\nerr\n");
    CHECK(run_command({"/no/such/program"}).code == 127);
    const auto slow = run_command({"sleep", "60"}, -1, 100ms);
    CHECK(slow.timed_out);
    CHECK(slow.code == 128 + SIGKILL);
    CHECK_THROWS_AS(must_run({"false"}), std::runtime_error);
}

TEST_CASE("Process: waits for output, is signalled, and never outlives its object") {
    pid_t pid = 0;
    {
        Process process(
            {"sh", "-c", "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done"});
        pid = process.pid();
        CHECK_FALSE(process.wait_for_output("got it", 50ms));
        REQUIRE(process.wait_for_output("rea.y", 5s));
        process.kill(SIGTERM);
        REQUIRE(process.wait(5s));
        CHECK(process.code() == 5);
        CHECK(process.wait_for_output("got it", 0ms)); // a shell may add "Terminated" for its sleep
    }
    {
        const Process process({"sleep", "1000"});
        pid = process.pid();
        CHECK(::kill(pid, 0) == 0);
    }
    CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("Namespace: made, entered by commands and threads, removed") {
    need_root();
    const LeakCheck check;
    std::filesystem::path path;
    {
        const Namespace ns("one");
        path = "/run/netns/" + ns.name();
        CHECK(std::filesystem::exists(path));
        CHECK(check.leaks(0ms).find("namespace " + ns.name()) != std::string::npos);
        ns.must({"ip", "link", "add", "only0", "type", "veth", "peer", "name", "only1"});
        CHECK(ns.call([] { return if_nametoindex("only0"); }) != 0);
        CHECK(if_nametoindex("only0") == 0);
        CHECK(ns.run({"ip", "link", "show", "only1"}).code == 0);
        CHECK_THROWS_AS(ns.call([] { throw std::out_of_range("thrown inside"); }), std::out_of_range);
        CHECK_THROWS_AS(ns.ifindex("none"), std::runtime_error);
    }
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(check.leaks() == "");
}

TEST_CASE("Namespace: what a dead process left is removed, what a living one has is not") {
    need_root();
    Process dead({"true"});
    REQUIRE(dead.wait(5s));
    const Process living({"sleep", "1000"});
    const auto left = "glbt-" + std::to_string(dead.pid()) + "-left";
    const auto kept = "glbt-" + std::to_string(living.pid()) + "-kept";
    must_run({"ip", "netns", "add", left});
    must_run({"ip", "netns", "add", kept});
    remove_dead_namespaces();
    CHECK_FALSE(std::filesystem::exists("/run/netns/" + left));
    CHECK(std::filesystem::exists("/run/netns/" + kept));
    must_run({"ip", "netns", "del", kept});
}

TEST_CASE("Bpffs: a bpffs of one's own, gone afterwards") {
    need_root();
    std::filesystem::path path;
    {
        const Bpffs bpffs;
        path = bpffs.path();
        CHECK(must_run({"stat", "--file-system", "--format=%T", path.string()}) == "bpf_fs\n");
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("LeakCheck: sees programs, links and children that stay") {
    need_root();
    const LeakCheck check;
    {
        const Namespace left("left"), right("right");
        veth(left, "a0", right, "b0");
        const auto pass = with_xdp_pass(right, "b0");
        const Process child({"sleep", "1000"});
        const auto seen = check.leaks(0ms);
        CHECK(seen.find("program ") != std::string::npos);
        CHECK(seen.find("link ") != std::string::npos);
        CHECK(seen.find("process " + std::to_string(child.pid())) != std::string::npos);
    }
    CHECK(check.leaks() == "");
}
