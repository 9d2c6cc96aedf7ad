#include "tests/netns/testbed/services.h"

#include <fstream>
#include <random>
#include <stdexcept>
#include <sys/stat.h>

#include <fmt/format.h>

namespace glb::test {

SshServer::SshServer(const Namespace &ns) {
    const auto folder = folder_.path().string();
    // Independent of root's own SSH files: all keys and settings are in this folder.
    for (const std::string key : {"host", "user"})
        must_run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder + "/" + key});
    std::ofstream(folder + "/config") << fmt::format("Port 22\n"
                                                     "HostKey {0}/host\n"
                                                     "AuthorizedKeysFile {0}/user.pub\n"
                                                     "StrictModes no\n"
                                                     "PidFile none\n"
                                                     "UsePAM no\n"
                                                     "PermitRootLogin prohibit-password\n",
                                                     folder);
    Bytes content(1'000'000);
    std::mt19937 random(22);
    for (auto &byte : content)
        byte = static_cast<std::uint8_t>(random());
    std::ofstream(folder + "/file", std::ios::binary)
        .write(reinterpret_cast<const char *>(content.data()), static_cast<std::streamsize>(content.size()));
    sha256_ = sha256_of(content);
    ::mkdir("/run/sshd", 0755); // sshd's privilege separation folder, normally made by its service
    process_.emplace(ns.start({"/usr/sbin/sshd", "-D", "-e", "-f", folder + "/config"}));
    if (!process_->wait_for_output("Server listening on :: port 22", std::chrono::seconds(20)))
        throw std::runtime_error("sshd did not start: " + log());
}

std::vector<std::string> SshServer::ssh(const std::string &address, const std::string &command) const {
    const auto folder = folder_.path().string();
    return {"ssh",
            "-F",
            "none",
            "-i",
            folder + "/user",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=accept-new",
            "-o",
            "UserKnownHostsFile=" + folder + "/known",
            "-o",
            "LogLevel=ERROR",
            "-o",
            "ConnectTimeout=20",
            "root@" + address,
            command};
}

Process SshServer::start(const Namespace &from, const std::string &address,
                         const std::string &command) const {
    return from.start(ssh(address, command));
}

std::string SshServer::download(const Namespace &from, const std::string &address) const {
    std::vector<std::string> argv = {"sh", "-c", "\"$@\" | sha256sum", "sh"};
    const auto command = ssh(address, "cat " + (folder_.path() / "file").string());
    argv.insert(argv.end(), command.begin(), command.end());
    return from.run(argv).output.substr(0, sha256_.size());
}

Bird::Bird(const Namespace &ns, const Side &local, const Side &neighbour, const std::string &announced)
    : ns_(ns) {
    const auto folder = folder_.path().string();
    auto text = fmt::format("router id {};\ntimeformat protocol iso long ms;\nprotocol device {{ }}\n",
                            local.address);
    if (!announced.empty())
        text += fmt::format("protocol static {{ ipv4; route {} blackhole; }}\n", announced);
    for (const auto &[name, from, to, channel] :
         {std::tuple{"four", local.address, neighbour.address, "ipv4"},
          std::tuple{"six", local.address6, neighbour.address6, "ipv6"}})
        text +=
            fmt::format("protocol bgp {} {{ local {} as {}; neighbor {} as {}; keepalive time 1; hold time 3;"
                        " connect retry time 1; connect delay time 1; error wait time 1, 2;"
                        " {} {{ import all; export all; }}; }}\n",
                        name, from, local.as, to, neighbour.as, channel);
    std::ofstream(folder + "/bird.conf") << text;
    process_.emplace(ns.start({"/usr/sbin/bird", "-f", "-c", folder + "/bird.conf", "-s", folder + "/socket",
                               "-P", folder + "/pid"}));
    if (!eventually(std::chrono::seconds(20), [&] {
            return birdc({"show", "status"}).find("up and running") != std::string::npos;
        }))
        throw std::runtime_error("bird did not start: " + process_->output());
}

std::string Bird::birdc(const std::vector<std::string> &command) const {
    std::vector<std::string> argv = {"/usr/sbin/birdc", "-s", (folder_.path() / "socket").string()};
    argv.insert(argv.end(), command.begin(), command.end());
    return ns_.run(argv).output;
}

std::string Bird::sessions() const {
    const auto text = birdc({"show", "protocols"});
    const auto first = text.find("four ");
    return first == std::string::npos ? text : text.substr(first);
}

bool Bird::established() const {
    const auto text = sessions();
    const auto first = text.find("Established");
    return first != std::string::npos && text.find("Established", first + 1) != std::string::npos;
}

bool Bird::has_route(const std::string &prefix) const {
    return birdc({"show", "route", prefix}).find(prefix) != std::string::npos;
}

} // namespace glb::test
