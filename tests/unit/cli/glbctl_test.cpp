// glbctl as a process, with the real server and a fake node: views and changes of the manifest.
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "tests/unit/api/fake_node.h"
#include "tests/unit/cli/fixture.h"

using namespace glb::test;
using nlohmann::json;

TEST_CASE("glbctl: status") {
    const Fixture glbctl;
    const auto outcome = glbctl({"status"});
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    CHECK(outcome.out ==
          "Node        glb-a, NOT READY: not attached to srv0, 1 error, 1 warning\n"
          "ERROR       firewalls: no target of the group is healthy; fix: glbctl targets (for 1m10s)\n"
          "Warning     a chain does NAT (for 2m10s)\n"
          "Version     0.1.0\n"
          "Epoch       3\n"
          "Uptime      2m10s\n"
          "Counters    since 2026-11-30T19:40:00Z\n"
          "Guard       installed, 0 packets blocked, repaired 2 times\n"
          "Pending     reverts in 1m00s unless confirmed (glbctl confirm)\n"
          "Flows       812 active, 4 unconfirmed, capacity 1.0 M; 0 packets untracked\n"
          "Targets     2 healthy, 1 unhealthy, 0 draining, 0 initial, 0 unused, 0 unavailable\n"
          "\n"
          "INTERFACE  MODE    PROGRAM       PUNT\n"
          "cli0       native  attached      yes\n"
          "srv0       native  not attached  no\n");
}

TEST_CASE("glbctl: endpoints") {
    const Fixture glbctl;
    const auto outcome = glbctl({"endpoints"});
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "ENDPOINT  ID                      MODE    GROUP      INTERFACES     PACKETS IN  "
                         "BYTES IN  FORWARDED     BYTES  INSPECTION\n"
                         "branch    vpce-02b8ee1d4db0c51c4  routed  firewalls  cli0,eth1.100       1.0 k  "
                         "62.5 KiB        999  62.4 KiB  on\n");
}

TEST_CASE("glbctl: targets of all groups, or of one") {
    const Fixture glbctl;
    const auto outcome = glbctl({"targets"});
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "TARGET          ADDRESS              WEIGHT  STATE      SINCE  FLOWS    NEW     "
                         "OUT    BACK  BYTES OUT  BYTES BACK  REASON\n"
                         "firewalls/fw-1  10.1.0.11:6081            1  healthy      40s    271  1.2 k  52.0 "
                         "k  52.0 k    1.0 MiB     1.5 KiB  -\n"
                         "firewalls/fw-2  [2001:db8::12]:6081      10  unhealthy  1h05m      0      0       "
                         "0       0        0 B         0 B  Target.Timeout (Request timed out)\n");
    CHECK(glbctl({"targets", "firewalls"}).out == outcome.out);
    const auto absent = glbctl({"targets", "no where"});
    CHECK(absent.status == 1);
    CHECK(absent.out.empty());
    CHECK(absent.err == "glbctl: there is no target group \"no where\"\n");
}

TEST_CASE("glbctl: flows, with filters") {
    const Fixture glbctl;
    const auto outcome =
        glbctl({"flows", "--protocol", "tcp", "--source", "[2001:db8::1]:443", "--limit", "1"});
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "ENDPOINT  PROTO  SOURCE            DESTINATION       TARGET          STATE        "
                         "AGE  IDLE  OUT  BACK  BYTES OUT  BYTES BACK\n"
                         "branch    tcp    192.0.2.10:40000  198.51.100.20:80  firewalls/fw-1  established   "
                         "3s    0s   12    12    8.8 KiB     8.8 KiB\n"
                         "1 of 812 flows; --limit 0 shows all\n");
    CHECK(glbctl({"flows", "--endpoint", "idle"}).out == "no flows\n");
    const auto wrong = glbctl({"flows", "--protocol", "tcq", "--source", "x"});
    CHECK(wrong.status == 2);
    CHECK(wrong.out.empty());
    CHECK(has(wrong.err, "glbctl: --protocol: \"tcq\" is not a protocol"));
    CHECK(has(wrong.err, "glbctl: --source: \"x\" must be ADDR"));
}

TEST_CASE("glbctl: drops and counters") {
    const Fixture glbctl;
    CHECK(glbctl({"drops"}).out ==
          "REASON          PACKETS  BYTES  MEANING\n"
          "unknown_sender        7  700 B  GENEVE from no target; fix: add it as a target\n"
          "too_big               0    0 B  does not fit the tunnel's MTU\n");
    CHECK(glbctl({"counters"}).out == "COUNTER       PACKETS  BYTES  MEANING\n"
                                      "encapsulated    1.2 M   99 B  packets sent to a target\n"
                                      "flow_new            3      -  new flows\n");
}

TEST_CASE("glbctl: guard") {
    const Fixture glbctl;
    CHECK(glbctl({"guard"}).out == "installed; blocked 2 packets, 120 B; repaired 1 time\n"
                                   "warning: chain post of table ip nat does NAT\n"
                                   "\n"
                                   "INTERFACE  VLAN  ENDPOINT  WHEN DETACHED  GUARDED  PUNT\n"
                                   "cli0       -     branch    drop           yes      no\n");
}

TEST_CASE("glbctl: down requires --yes") {
    const Fixture glbctl;
    const auto unconfirmed = glbctl({"down"});
    CHECK(unconfirmed.status == 2);
    CHECK(has(unconfirmed.err, "--yes"));
    CHECK(glbctl({"down", "--yes", "--keep-guard"}).out ==
          "data path removed; guard kept, forwarding stays blocked\n");
    CHECK(json::parse(glbctl({"-o", "json", "down", "--yes", "--keep-guard"}).out)["guardKept"] == true);
    CHECK(glbctl({"down", "--yes"}).out ==
          "data path and guard removed: the kernel forwards this traffic uninspected\n");
    CHECK(glbctl({"down", "--yes", "--keep-guard"}).out == "data path removed; no guard was installed\n");
}

TEST_CASE("glbctl: down says that the guard of another daemon was left") {
    const Fixture glbctl(true, "guard of another");
    CHECK(glbctl({"down", "--yes"}).out ==
          "data path removed; the guard was left: the guard belongs to node \"b\"\n");
    const auto document = json::parse(glbctl({"-o", "json", "down", "--yes"}).out);
    CHECK(document["guardLeft"] == "the guard belongs to node \"b\"");
    CHECK(document["guardKept"] == false);
}

TEST_CASE("glbctl: apply shows what changed, diff and --dry-run what would change") {
    const Fixture glbctl;
    const auto file = glbctl.file(valid_manifest);
    const std::string changes = "+ target firewalls/fw-4\n"
                                "~ target firewalls/fw-1\n"
                                "    weight: 1 -> 2\n";
    const auto applied = glbctl({"apply", file});
    CHECK(applied.status == 0);
    CHECK(applied.out == changes + "applied 2 changes, epoch 4\n");
    CHECK(applied.err == "glbctl: warning: under0: MTU 1500 is below 1568\n");
    CHECK(glbctl({"apply", "--dry-run", file}).out == changes + "2 changes, none applied (dry run)\n");
    CHECK(glbctl({"diff", file}).out == changes + "2 changes\n");
    CHECK(glbctl({"apply", "-"}, valid_manifest).out == applied.out);
    const auto document = json::parse(glbctl({"apply", file, "-o", "json"}).out);
    CHECK(document["applied"] == true);
    CHECK(document["epoch"] == 4);
}

TEST_CASE("glbctl: each error of a rejected manifest is printed with file and pointer") {
    const Fixture glbctl;
    const auto file = glbctl.file(refused_manifest);
    for (const std::string command : {"apply", "diff"}) {
        const auto refused = glbctl({command, file});
        CHECK(refused.status == 1);
        CHECK(refused.out.empty());
        CHECK(refused.err == file + ": /version: required; allowed is 1\n" + file +
                                 ": /targetGroups/0/targets/1/address: \"x\" is no IPv4 or IPv6 address\n");
    }
    const auto from_stdin = glbctl({"-o", "json", "apply", "-"}, refused_manifest);
    CHECK(from_stdin.status == 1);
    CHECK(has(from_stdin.err, "stdin: /version: required"));
    CHECK(json::parse(from_stdin.out)["errors"].size() == 2);

    const auto failed = glbctl({"apply", glbctl.file("conflict")});
    CHECK(failed.status == 1);
    CHECK(failed.err == "glbctl: cli0 carries another XDP program\n");
    const auto absent = glbctl({"apply", "/nonexistent/m.json"});
    CHECK(absent.status == 1);
    CHECK(has(absent.err, "/nonexistent/m.json"));
}

TEST_CASE("glbctl: export prints the active manifest") {
    const Fixture glbctl;
    CHECK(glbctl({"export"})
              .out.starts_with("{\n  \"version\": 1,\n  \"node\": {\n")); // in the reference's order
    CHECK(glbctl({"-o", "json", "export"}).out ==
          "{\"node\":{\"tunnel\":{\"address\":\"10.1.0.1\",\"interface\":\"under0\"}},\"version\":1}\n");
}

TEST_CASE("glbctl: -o json prints the API's document, byte for byte") {
    const Fixture glbctl;
    FakeNode node;
    std::string flows_text;
    CHECK_FALSE((*node.flows({}))(flows_text));
    const auto flows = json::parse(flows_text);
    const std::vector<std::pair<std::string, json>> cases{
        {"status", *node.status()}, {"endpoints", *node.endpoints()}, {"targets", *node.targets({})},
        {"flows", flows},           {"drops", *node.drops()},         {"counters", *node.counters()},
        {"guard", *node.guard()},   {"export", *node.manifest()},     {"history", *node.history()},
    };
    for (const auto &[command, document] : cases) {
        const auto outcome = glbctl({"-o", "json", command});
        CHECK(outcome.status == 0);
        CHECK(outcome.out == document.dump() + '\n');
    }
}

TEST_CASE("glbctl: status --check tells a node that is well from one that is not, by its exit status") {
    const Fixture glbctl;
    CHECK(glbctl({"status"}).status == 0);
    const auto checked = glbctl({"status", "--check"}); // not ready, with an error
    CHECK(checked.status == 1);
    CHECK(checked.out == glbctl({"status"}).out);
    CHECK(glbctl({"-o", "json", "status", "--check"}).status == 1);
    CHECK(Fixture(true, "error")({"status", "--check"}).status == 1);
    const Fixture warned(true, "warning");
    const auto well = warned({"status", "--check"});
    CHECK(well.status == 0);
    CHECK(has(well.out, "ready, 1 warning\n"));
    CHECK(warned({"-o", "json", "status", "--check"}).status == 0);
}

TEST_CASE("glbctl: check needs no daemon") {
    const Fixture glbctl(false);
    const auto refused = glbctl({"check", glbctl.file(R"({"version": 2})")});
    CHECK(refused.status == 1);
    CHECK(refused.out.empty());
    CHECK(has(refused.err, "manifest.json: /version: "));
    const auto broken = glbctl({"-o", "json", "check", "-"}, "{");
    CHECK(broken.status == 1);
    CHECK(broken.err.starts_with("stdin: /: line 1, column 2: ")); // of the whole document
    CHECK(json::parse(broken.out)["errors"].size() == 1);
    CHECK(json::parse(broken.out)["errors"][0]["pointer"] == "");
    CHECK(glbctl({"check", "/nonexistent/m.json"}).status == 1);
    const auto valid = R"({"version": 1, "node": {"tunnel": {"interface": "under0", "address": "10.1.0.1"}},
                           "targetGroups": [], "endpoints": []})";
    CHECK(glbctl({"check", "-"}, valid).out == "stdin: OK\n");
}

TEST_CASE("glbctl: without a daemon, every command that needs one exits with 3 and names the socket") {
    const Fixture glbctl(false);
    const auto file = glbctl.file(valid_manifest);
    const std::vector<std::vector<std::string>> commands{{"status"},
                                                         {"endpoints"},
                                                         {"targets"},
                                                         {"flows"},
                                                         {"drops"},
                                                         {"counters"},
                                                         {"guard"},
                                                         {"export"},
                                                         {"diff", file},
                                                         {"apply", file},
                                                         {"down", "--yes"},
                                                         {"confirm"},
                                                         {"history"},
                                                         {"rollback"},
                                                         {"drain", "g/t"},
                                                         {"undrain", "g/t"},
                                                         {"bypass", "branch"},
                                                         {"gc"}};
    for (const auto &command : commands) {
        const auto outcome = glbctl(command);
        INFO(command[0]);
        CHECK(outcome.status == 3);
        CHECK(outcome.out.empty());
        const auto message =
            "no daemon answers at " + glbctl.socket() + "; is glbd running, and is --socket right?";
        CHECK(outcome.err == "glbctl: " + message + "\n");
        auto with_json = command;
        with_json.insert(with_json.begin(), {"-o", "json"});
        const auto document = glbctl(with_json);
        CHECK(document.status == 3);
        CHECK(document.err == outcome.err);
        CHECK(document.out == json{{"errors", {{{"pointer", ""}, {"message", message}}}}}.dump() + '\n');
    }
}

TEST_CASE("glbctl: views time out after 5 s if the daemon is stopped") {
    const Fixture glbctl;
    glbctl.signal(SIGSTOP);
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = glbctl({"status"});
    const auto waited = std::chrono::steady_clock::now() - begin;
    CHECK(outcome.status == 3);
    CHECK(outcome.out.empty());
    CHECK(has(outcome.err, "glbctl: the daemon at " + glbctl.socket() + " does not answer within 5 s"));
    for (const auto *command : {"status", "flows"})
        CHECK(
            has(json::parse(glbctl({"-o", "json", command}).out)["errors"][0]["message"], "does not answer"));
    CHECK(waited < std::chrono::seconds(15)); // of a busy machine; the limit for changes is 120
}

TEST_CASE("glbctl: a socket path without a daemon is reported as such") {
    const Fixture glbctl(false);
    std::filesystem::create_symlink("/dev/null", glbctl.socket());
    CHECK(glbctl({"status"}).status == 3);
    const auto too_long = run({GLBCTL, "--socket", "/" + std::string(200, 'x'), "status"});
    CHECK(too_long.status == 3);
    CHECK(too_long.err.find("File name too long") != std::string::npos);
}

TEST_CASE("glbctl: output that cannot be written is an error with its reason") {
    const Fixture glbctl;
    json document = json::parse(valid_manifest);
    for (int i = 0; i < 300; ++i)
        document["x" + std::to_string(i)] = i;
    const auto file = glbctl.file(document.dump()); // its errors are more than a stream's buffer
    for (const auto &words :
         std::vector<std::vector<std::string>>{{"status"}, {"--help"}, {"-o", "json", "check", file}}) {
        std::vector<std::string> shell{"/bin/sh",  "-c",           "exec \"$@\" > /dev/full", "sh", GLBCTL,
                                       "--socket", glbctl.socket()};
        shell.insert(shell.end(), words.begin(), words.end());
        const auto outcome = run(shell);
        CHECK(outcome.status == 1);
        CHECK(outcome.err.ends_with("glbctl: cannot write the output: No space left on device\n"));
    }
}

TEST_CASE("glbctl: output is coloured on terminals only, and NO_COLOR disables it") {
    const Fixture glbctl;
    const auto on_terminal = [&](const std::vector<std::string> &environment) {
        return run({"/usr/bin/script", "-qec", GLBCTL " --socket " + glbctl.socket() + " status",
                    "/dev/null"},
                   {}, environment)
            .out;
    };
    CHECK_FALSE(has(glbctl({"status"}).out, "\033["));
    CHECK(has(on_terminal({"TERM=xterm"}), "\033[32m"));
    CHECK_FALSE(has(on_terminal({"TERM=xterm", "NO_COLOR=1"}), "\033["));
    CHECK_FALSE(has(on_terminal({"TERM=dumb"}), "\033["));
}
