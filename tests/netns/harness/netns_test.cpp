#include <filesystem>
#include <net/if.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/harness/leak_check.h"
#include "tests/harness/netns.h"
#include "tests/harness/skip.h"

using namespace glb::test;
using namespace std::chrono_literals;

TEST_CASE("run_command: status, output and timeout") {
    const auto good = run_command({"sh", "-c", "echo out; echo err >&2; exit 3"});
    CHECK(good.code == 3);
    CHECK(good.output == "out\nerr\n");
    CHECK(run_command({"/no/such/program"}).code == 127);
    const auto slow = run_command({"sleep", "60"}, -1, 100ms);
    CHECK(slow.timed_out);
    CHECK(slow.code == 128 + SIGKILL);
    CHECK_THROWS_AS(must_run({"false"}), std::runtime_error);
}

TEST_CASE("Process: waits for output, is signalled, and is killed with its object") {
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
        CHECK(process.wait_for_output("got it", 0ms)); // the shell may append "Terminated" for its sleep
    }
    {
        const Process process({"sleep", "1000"});
        pid = process.pid();
        CHECK(::kill(pid, 0) == 0);
    }
    CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("Namespace: is created, entered by commands and threads, and removed") {
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

TEST_CASE("Namespace: those of dead processes are removed, those of running processes are not") {
    need_root();
    Process dead({"true"});
    REQUIRE(dead.wait(5s));
    const Process running({"sleep", "1000"});
    const auto left = "glbt-" + std::to_string(dead.pid()) + "-left";
    const auto in_use = "glbt-" + std::to_string(running.pid()) + "-used";
    must_run({"ip", "netns", "add", left});
    must_run({"ip", "netns", "add", in_use});
    remove_dead_namespaces();
    CHECK_FALSE(std::filesystem::exists("/run/netns/" + left));
    CHECK(std::filesystem::exists("/run/netns/" + in_use));
    must_run({"ip", "netns", "del", in_use});
}

TEST_CASE("Bpffs: is mounted by the constructor and removed by the destructor") {
    need_root();
    std::filesystem::path path;
    {
        const Bpffs bpffs;
        path = bpffs.path();
        CHECK(must_run({"stat", "--file-system", "--format=%T", path.string()}) == "bpf_fs\n");
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("LeakCheck: reports remaining programs, links and child processes") {
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
