#include "tests/netns/chaos/faults.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

namespace glb::test {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

bool contains(const Namespace &ns, const std::vector<std::string> &command, const std::string &text) {
    return ns.run(command).output.find(text) != std::string::npos;
}

Fault flushed_ruleset(FaultWorld &world) {
    const auto &node = world.testbed.node;
    return {"nft flush ruleset", Visible::repaired,
            [&node] {
                node.must({"nft", "flush", "ruleset"});
            },
            [] {},
            [&node] {
                return !contains(node, {"nft", "list", "tables"}, "table inet glb");
            }};
}

Fault removed_filter(FaultWorld &world) {
    const auto &node = world.testbed.node;
    const auto device = world.testbed.devices[world.pick(world.testbed.devices.size())];
    return {"tc clsact removed from " + device, Visible::repaired,
            [&node, device] {
                (void)node.run({"tc", "qdisc", "del", "dev", device, "clsact"});
            },
            [] {},
            [&node, device] {
                return !contains(node, {"tc", "filter", "show", "dev", device, "ingress"}, "glb");
            }};
}

Fault flushed_rules(FaultWorld &world) {
    const auto &node = world.testbed.node;
    return {"ip rule flush", Visible::repaired,
            [&node] {
                node.must({"ip", "rule", "flush"}); // leaves the rule of the local table
                node.must({"ip", "rule", "add", "priority", "32766", "lookup", "main"});
            },
            [] {},
            [&node] {
                return !contains(node, {"ip", "rule"}, "lookup 102");
            }};
}

Fault paused_appliance(FaultWorld &world) {
    auto *const appliance = world.testbed.appliances[world.pick(world.testbed.appliances.size())].get();
    return {"pause of " + appliance->id(), Visible::while_held, [appliance] { appliance->pause(); },
            [appliance] { appliance->resume(); }};
}

Fault briefly_paused_appliances(FaultWorld &world) {
    auto &appliances = world.testbed.appliances;
    return {"pause of all appliances for 0.8 s", Visible::no, [&appliances] {
                for (const auto &one : appliances)
                    one->pause();
                std::this_thread::sleep_for(800ms);
                for (const auto &one : appliances)
                    one->resume();
            }};
}

Fault removed_neighbour(FaultWorld &world) {
    const auto &node = world.testbed.node;
    const auto &one = world.testbed.appliances[world.pick(world.testbed.appliances.size())];
    return {"neighbour of " + one->id() + " deleted", Visible::no, [&node, address = one->address()] {
                (void)node.run({"ip", "neigh", "del", address, "dev", "under0"});
            }};
}

Fault wrong_neighbour(FaultWorld &world) {
    const auto &node = world.testbed.node;
    const auto &one = world.testbed.appliances[world.pick(world.testbed.appliances.size())];
    return {"neighbour of " + one->id() + " with a wrong MAC", Visible::no,
            [&node, address = one->address()] {
                (void)node.run({"ip", "neigh", "replace", address, "lladdr", "02:00:00:00:00:99", "dev",
                                "under0", "nud", "stale"});
            }};
}

/// Their packets are punted until the neighbours are resolved again.
Fault removed_host_neighbours(FaultWorld &world) {
    const auto &node = world.testbed.node;
    return {"neighbours of clients and servers deleted", Visible::no, [&node] {
                for (const char *device : {"cli-a", "srv-a", "cli-b", "srv-b"})
                    (void)node.run({"ip", "neigh", "flush", "dev", device});
            }};
}

/// What is punted meanwhile has no mark.
Fault removed_filter_and_neighbours(FaultWorld &world) {
    const auto &node = world.testbed.node;
    return {"tc clsact removed from under0, and the neighbours of all hosts", Visible::repaired,
            [&node] {
                (void)node.run({"tc", "qdisc", "del", "dev", "under0", "clsact"});
                for (const char *device : {"cli-b", "srv-b", "cli-a", "srv-a"})
                    (void)node.run({"ip", "neigh", "flush", "dev", device});
            },
            [] {},
            [&node] {
                return !contains(node, {"tc", "filter", "show", "dev", "under0", "ingress"}, "glb");
            }};
}

Fault exchanged_addresses(FaultWorld &world) {
    return {"addresses of fw-1 and fw-2 exchanged", Visible::no, [&world] {
                auto &targets = world.manifest["targetGroups"][0]["targets"];
                const auto first = targets[0]["address"];
                targets[0]["address"] = targets[1]["address"];
                targets[1]["address"] = first;
                (void)world.glbd.apply(world.manifest);
            }};
}

Fault killed_daemon(FaultWorld &world) {
    return {"daemon killed", Visible::while_held, [&world] { world.glbd.kill9(); },
            [&world] { world.glbd.start(); }};
}

Fault damaged_file(FaultWorld &world) {
    const auto seed = world.random();
    return {"state file damaged, daemon restarted", Visible::no, [&world, seed] {
                world.glbd.kill9();
                std::vector<fs::path> files;
                for (const auto &entry : fs::recursive_directory_iterator(world.glbd.folder() / "state"))
                    if (entry.is_regular_file() && entry.path().filename() != "lock")
                        files.push_back(entry.path());
                std::ranges::sort(files);
                const auto &file = files[seed % files.size()];
                if (seed / 16 % 2)
                    fs::resize_file(file, fs::file_size(file) / 2);
                else
                    fs::remove(file);
                world.glbd.start();
                (void)world.glbd.apply(world.manifest); // what an operator does about it
            }};
}

Fault second_daemon(FaultWorld &world) {
    return {"second daemon applies the same manifest and is taken down", Visible::no, [&world] {
                const Bpffs bpffs;
                const auto folder = fs::path(world.folder) / "second";
                const auto socket = (folder / "run/glbd.sock").string();
                const fs::path bin = GLB_BIN_FOLDER;
                auto process =
                    world.testbed.node.start({bin / "glbd", "--state-dir", folder / "state", "--run-dir",
                                              folder / "run", "--bpffs", bpffs.path(), "--metrics", "none"});
                const auto ctl = [&](std::vector<std::string> arguments) {
                    arguments.insert(arguments.begin(), {bin / "glbctl", "--socket", socket});
                    return world.testbed.node.run(arguments);
                };
                (void)eventually(10s, [&] { return ctl({"status"}).code == 0; });
                const auto file = fs::path(world.folder) / "second.json";
                std::ofstream(file) << world.manifest.dump();
                const auto refused = ctl({"apply", file.string()});
                (void)ctl({"down", "--yes"});
                process.kill();
                (void)process.wait(5s);
                if (refused.code == 0)
                    throw std::runtime_error("a second daemon took the interfaces of the first: " +
                                             refused.output);
            }};
}

} // namespace

std::vector<std::function<Fault(FaultWorld &)>> all_faults() {
    return {flushed_ruleset,
            removed_filter,
            flushed_rules,
            paused_appliance,
            briefly_paused_appliances,
            removed_neighbour,
            wrong_neighbour,
            removed_host_neighbours,
            removed_filter_and_neighbours,
            exchanged_addresses,
            killed_daemon,
            damaged_file,
            second_daemon};
}

} // namespace glb::test
