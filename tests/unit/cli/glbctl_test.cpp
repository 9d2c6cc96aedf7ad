// glbctl as people run it: a process, before the real server with a fake node.
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "tests/unit/api/fake_node.h"
#include "tests/unit/cli/fixture.h"

using namespace glb::test;
using nlohmann::json;

TEST_CASE("status") {
    const Stage glbctl;
    const auto outcome = glbctl({"status"});
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    CHECK(outcome.out ==
          "node        glb-a, NOT READY: not attached to srv0\n"
          "version     0.1.0\n"
          "epoch       3\n"
          "up          2m10s\n"
          "guard       installed, 0 packets kept from passing uninspected; put back 2 times\n"
          "warning     chain post of table ip nat does NAT\n"
          "flows       812 active, 4 unconfirmed, room for 1.0 M; 0 packets untracked\n"
          "targets     2 healthy, 1 unhealthy, 0 draining, 0 initial, 0 unused, 0 unavailable\n"
          "\n"
          "INTERFACE  MODE    PROGRAM       DOOR\n"
          "cli0       native  attached      yes\n"
          "srv0       native  not attached  NONE\n");
}

TEST_CASE("endpoints") {
    const Stage glbctl;
    const auto outcome = glbctl({"endpoints"});
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "ENDPOINT  ID                      MODE    GROUP      INTERFACES     PACKETS IN  "
                         "BYTES IN  FORWARDED     BYTES  INSPECTION\n"
                         "branch    vpce-02b8ee1d4db0c51c4  routed  firewalls  cli0,eth1.100       1.0 k  "
                         "62.5 KiB        999  62.4 KiB  on\n");
}

TEST_CASE("targets, of all groups or of one") {
    const Stage glbctl;
    const auto outcome = glbctl({"targets"});
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "TARGET          ADDRESS              WEIGHT  STATE      SINCE  FLOWS    NEW     "
                         "OUT    BACK  BYTES OUT  BYTES BACK  REASON\n"
                         "firewalls/fw-1  10.1.0.11:6081            1  healthy      40s    271  1.2 k  52.0 "
                         "k  52.0 k    1.0 MiB     1.5 KiB  -\n"
                         "firewalls/fw-2  [2001:db8::12]:6081      10  unhealthy  1h05m      0      0       "
                         "0       0        0 B         0 B  Target.Timeout (connect: timed out)\n");
    CHECK(glbctl({"targets", "firewalls"}).out == outcome.out);
    const auto absent = glbctl({"targets", "no where"});
    CHECK(absent.status == 1);
    CHECK(absent.out.empty());
    CHECK(absent.err == "glbctl: there is no target group \"no where\"\n");
}

TEST_CASE("flows, with filters") {
    const Stage glbctl;
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
    CHECK(has(wrong.err, "glbctl: --protocol: \"tcq\" is no protocol"));
    CHECK(has(wrong.err, "glbctl: --source: \"x\" must be ADDR"));
}

TEST_CASE("drops and counters") {
    const Stage glbctl;
    CHECK(glbctl({"drops"}).out == "REASON          PACKETS  BYTES  MEANING\n"
                                   "unknown_sender        7  700 B  GENEVE from no target\n"
                                   "too_big               0    0 B  does not fit the tunnel's MTU\n");
    CHECK(glbctl({"counters"}).out == "COUNTER       PACKETS  BYTES  MEANING\n"
                                      "encapsulated    1.2 M   99 B  packets sent to a target\n"
                                      "flow_new            3      -  new flows\n");
}

TEST_CASE("guard") {
    const Stage glbctl;
    CHECK(glbctl({"guard"}).out == "installed; stopped 2 packets, 120 B; put back 1 time\n"
                                   "\n"
                                   "INTERFACE  VLAN  ENDPOINT  WHEN DETACHED  GUARDED  DOOR\n"
                                   "cli0       -     branch    drop           yes      NO\n");
}

TEST_CASE("down needs --yes") {
    const Stage glbctl;
    const auto unsure = glbctl({"down"});
    CHECK(unsure.status == 2);
    CHECK(has(unsure.err, "--yes"));
    CHECK(glbctl({"down", "--yes", "--keep-guard"}).out == "down; the guard stays and lets nothing pass\n");
    CHECK(json::parse(glbctl({"-o", "json", "down", "--yes", "--keep-guard"}).out)["guardKept"] == true);
    CHECK(glbctl({"down", "--yes"}).out == "down\n");
    CHECK(glbctl({"down", "--yes", "--keep-guard"}).out == "down; there is no guard that could stay\n");
}

TEST_CASE("apply shows what changed; diff and --dry-run what would") {
    const Stage glbctl;
    const auto file = glbctl.file(sound_manifest);
    const std::string changes = "+ target firewalls/fw-4\n"
                                "~ target firewalls/fw-1\n"
                                "    weight: 1 -> 2\n";
    const auto applied = glbctl({"apply", file});
    CHECK(applied.status == 0);
    CHECK(applied.out == changes + "applied 2 changes, epoch 4\n");
    CHECK(applied.err == "glbctl: warning: under0: MTU 1500 is below 1568\n");
    CHECK(glbctl({"apply", "--dry-run", file}).out == changes + "2 changes, none applied (dry run)\n");
    CHECK(glbctl({"diff", file}).out == changes + "2 changes\n");
    CHECK(glbctl({"apply", "-"}, sound_manifest).out == applied.out);
    const auto document = json::parse(glbctl({"apply", file, "-o", "json"}).out);
    CHECK(document["applied"] == true);
    CHECK(document["epoch"] == 4);
}

TEST_CASE("a refused manifest is told error by error, with file and pointer") {
    const Stage glbctl;
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

TEST_CASE("export gives the manifest in force") {
    const Stage glbctl;
    CHECK(glbctl({"export"})
              .out.starts_with("{\n  \"version\": 1,\n  \"node\": {\n")); // in the reference's order
    CHECK(glbctl({"-o", "json", "export"}).out ==
          "{\"node\":{\"tunnel\":{\"address\":\"10.1.0.1\",\"interface\":\"under0\"}},\"version\":1}\n");
}

TEST_CASE("JSON is the API's document, byte for byte") {
    const Stage glbctl;
    FakeNode node;
    const std::vector<std::pair<std::string, json>> cases{
        {"status", *node.status()},     {"endpoints", *node.endpoints()},
        {"targets", *node.targets({})}, {"flows", json::parse((*node.flows({}))())},
        {"drops", *node.drops()},       {"counters", *node.counters()},
        {"guard", *node.guard()},       {"export", *node.manifest()},
    };
    for (const auto &[command, document] : cases) {
        const auto outcome = glbctl({"-o", "json", command});
        CHECK(outcome.status == 0);
        CHECK(outcome.out == document.dump() + '\n');
    }
}

TEST_CASE("check needs no daemon") {
    const Stage glbctl(false);
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
}

TEST_CASE("what is still to come says so, whatever stands behind it") {
    const Stage glbctl(false);
    for (const auto &words : std::vector<std::vector<std::string>>{
             {"init", "--explain"},
             {"doctor"},
             {"top"},
             {"trace", "--protocol", "tcp"},
             {"capture", "-w", "x.pcapng"},
             {"explain", "--endpoint", "branch", "--protocol", "tcp", "--source", "192.0.2.1:1"}}) {
        const auto outcome = glbctl(words);
        CHECK(outcome.status == 1);
        CHECK(outcome.out.empty());
        CHECK(outcome.err == "glbctl: " + words[0] + " is not yet supported\n");
    }
    const auto here = glbctl({"check", "--here", glbctl.file(sound_manifest)});
    CHECK(here.status == 1);
    CHECK(here.err == "glbctl: check --here is not yet supported\n");
    CHECK_FALSE(has(glbctl({"--help"}).out, "capture"));
    CHECK_FALSE(has(glbctl({"nonsense"}).err, "capture"));
}

TEST_CASE("without a daemon every command that needs one exits with 3 and says where it looked") {
    const Stage glbctl(false);
    const auto file = glbctl.file(sound_manifest);
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
        CHECK(outcome.err == "glbctl: no daemon answers at " + glbctl.socket() +
                                 "; is glbd running, and is --socket right?\n");
    }
}

TEST_CASE("a daemon that stands still is not waited for longer than 5 s, and is named") {
    const Stage glbctl;
    glbctl.signal(SIGSTOP);
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = glbctl({"status"});
    const auto waited = std::chrono::steady_clock::now() - begin;
    CHECK(outcome.status == 3);
    CHECK(outcome.out.empty());
    CHECK(has(outcome.err, "glbctl: the daemon at " + glbctl.socket() + " does not answer within 5 s"));
    CHECK(waited < std::chrono::seconds(15)); // of a busy machine; the limit for changes is 120
}

TEST_CASE("wrong usage exits with 2 and tells on stderr") {
    const Stage glbctl(false);
    const std::vector<std::vector<std::string>> wrong{{},
                                                      {"stats"},
                                                      {"status", "more"},
                                                      {"status", "--frob"},
                                                      {"-o", "yaml", "status"},
                                                      {"-o", "0", "status"},
                                                      {"check"},
                                                      {"apply"},
                                                      {"apply", "--dry-run"},
                                                      {"flows", "--limit"},
                                                      {"flows", "--limit", "many"},
                                                      {"status", "guard"},
                                                      {"apply", "--confirm", "0", "m.json"},
                                                      {"rollback", "0"},
                                                      {"drain"},
                                                      {"drain", "fw-1"},
                                                      {"drain", "firewalls/"},
                                                      {"drain", "--wait=soon", "firewalls/fw-1"},
                                                      {"bypass"},
                                                      {"bypass", "branch", "--for", "10y"},
                                                      {"bypass", "branch", "--for", "31d"},
                                                      {"bypass", "branch", "--for", "10m", "--off"}};
    for (const auto &arguments : wrong) {
        const auto outcome = glbctl(arguments);
        INFO((arguments.empty() ? "" : arguments.back()));
        CHECK(outcome.status == 2);
        CHECK(outcome.out.empty());
        CHECK_FALSE(outcome.err.empty());
    }
}

TEST_CASE("wrong usage is told in one line that names what there is") {
    const Stage glbctl(false);
    const auto told = [&](const std::vector<std::string> &arguments) { return glbctl(arguments).err; };
    CHECK(told({"statsu"}) == "glbctl: there is no command \"statsu\"; did you mean \"status\"?\n");
    CHECK(has(told({"frobnicate"}), "glbctl: there is no command \"frobnicate\"; there are: check, apply, "));
    CHECK(has(told({}), "glbctl: a command is missing; there are: check, apply, "));
    CHECK(has(told({"--sockt", "x"}), "glbctl: there is no "));
    CHECK(told({"apply"}) == "glbctl: FILE is required; see glbctl apply --help\n");
    CHECK(has(told({"flows", "--stat", "x"}), "; see glbctl flows --help\n"));
    CHECK(told({"-o", "xml", "status"}) == "glbctl: --output: xml not in {table,json}; see glbctl --help\n");
    CHECK(has(glbctl({"--help"}).out, "-o,--output table|json "));
}

TEST_CASE("help lists what there is, with examples, and nothing that is not there") {
    const Stage glbctl(false);
    const auto help = glbctl({"--help"});
    CHECK(help.status == 0);
    for (const auto *command :
         {"check", "apply", "diff", "export", "confirm", "history", "rollback", "status", "endpoints",
          "targets", "flows", "drops", "counters", "drain", "undrain", "bypass", "guard", "gc", "down"}) {
        CHECK(has(help.out, "\n  " + std::string(command) + " "));
        const auto own = glbctl({command, "--help"});
        CHECK(own.status == 0);
        CHECK(has(own.out, "Examples:\n  "));
    }
    for (const auto *later : {"explain", "trace", "capture", "top", "doctor", "init"})
        CHECK_FALSE(has(help.out, "\n  " + std::string(later) + " "));
    CHECK(has(glbctl({"--version"}).out, "glbctl 0."));
}

TEST_CASE("a socket path that leads to no daemon is told as such") {
    const Stage glbctl(false);
    std::filesystem::create_symlink("/dev/null", glbctl.socket());
    CHECK(glbctl({"status"}).status == 3);
    const auto too_long = run({GLBCTL, "--socket", "/" + std::string(200, 'x'), "status"});
    CHECK(too_long.status == 3);
    CHECK(too_long.err.find("File name too long") != std::string::npos);
}

TEST_CASE("output that cannot be written is no success, and the reason is told") {
    const Stage glbctl;
    json document = json::parse(sound_manifest);
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

TEST_CASE("colour is for terminals alone, and NO_COLOR turns it off") {
    const Stage glbctl;
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
