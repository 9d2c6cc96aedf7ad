#include "tests/netns/testbed/daemon.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <stdexcept>

#include <fmt/format.h>

namespace glb::test {

namespace {

const std::filesystem::path bin_folder = GLB_BIN_FOLDER;

std::uint64_t packets_of(const json &rows, const char *key, const std::string &reason) {
    for (const auto &row : rows.at(key))
        if (row.at("reason") == reason)
            return row.at("packets");
    throw std::runtime_error(fmt::format("no {} named {}", key, reason));
}

json find_document(const std::string &text) {
    const auto first = text.find('{');
    const auto last = text.rfind('}');
    if (first == std::string::npos || last == std::string::npos || last < first)
        return nullptr;
    auto document = json::parse(text.substr(first, last + 1 - first), nullptr, false);
    return document.is_discarded() ? json(nullptr) : document;
}

} // namespace

Daemon::Daemon(const Namespace &node, std::uint16_t metrics_port)
    : node_(node), metrics_port_(metrics_port) {}

std::filesystem::path Daemon::write_manifest(const json &manifest) const {
    auto path = folder_.path() / "manifest.json";
    std::ofstream(path) << manifest.dump(2) << '\n';
    return path;
}

Process &Daemon::launch(const json &manifest, const std::vector<std::string> &options,
                        const std::vector<std::string> &launcher) {
    const auto folder = folder_.path();
    const std::vector<std::pair<std::string, std::string>> defaults = {
        {"--state-dir", folder / "state"},
        {"--run-dir", folder / "run"},
        {"--bpffs", bpffs_.path()},
        {"--metrics", fmt::format("127.0.0.1:{}", metrics_port_)}};
    std::vector<std::string> argv = launcher;
    argv.push_back(bin_folder / program_);
    for (const auto &[name, value] : defaults)
        if (std::find(options.begin(), options.end(), name) == options.end())
            argv.insert(argv.end(), {name, value});
    if (!manifest.is_null())
        argv.insert(argv.end(), {"--manifest", write_manifest(manifest)});
    argv.insert(argv.end(), options.begin(), options.end());
    process_.reset();
    return process_.emplace(node_.start(argv));
}

void Daemon::start(const json &manifest, const std::vector<std::string> &options) {
    launch(manifest, options, launcher_);
    const bool up = eventually(std::chrono::seconds(60), [&] {
        if (!process_->running())
            return true;
        const auto answer = ctl({"status"});
        return answer.code == 0 && (manifest.is_null() || answer.document.value("ready", false));
    });
    if (!up || !process_->running())
        throw std::runtime_error(fmt::format("glbd did not start (status {}): {}", process_->code(), log()));
}

void Daemon::kill9() {
    process_->kill(SIGKILL);
    (void)process_->wait(std::chrono::seconds(5));
}

void Daemon::terminate() {
    process_->kill(SIGTERM);
    if (!process_->wait(std::chrono::seconds(10)))
        throw std::runtime_error("glbd did not exit on SIGTERM: " + log());
}

CtlResult Daemon::ctl(const std::vector<std::string> &arguments) const {
    std::vector<std::string> argv = {bin_folder / "glbctl", "--socket", socket_path(), "-o", "json"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto result = node_.run(argv);
    return {.code = result.code, .text = result.output, .document = find_document(result.output)};
}

json Daemon::must_ctl(const std::vector<std::string> &arguments) const {
    auto answer = ctl(arguments);
    if (answer.code != 0)
        throw std::runtime_error(
            fmt::format("glbctl {}: exit {}: {}\n{}", arguments.front(), answer.code, answer.text, log()));
    return std::move(answer.document);
}

CtlResult Daemon::apply(const json &manifest, const std::vector<std::string> &options) const {
    std::vector<std::string> arguments = {"apply", write_manifest(manifest)};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return ctl(arguments);
}

std::uint64_t Daemon::drop(const std::string &reason) const {
    return packets_of(must_ctl({"drops"}), "drops", reason);
}

std::uint64_t Daemon::counter(const std::string &name) const {
    return packets_of(must_ctl({"counters"}), "counters", name);
}

std::uint64_t Daemon::uninspected() const {
    return must_ctl({"guard"}).at("uninspected").at("packets");
}

json Daemon::flows(std::vector<std::string> filter) const {
    filter.insert(filter.begin(), {"flows", "--limit", "0"});
    return must_ctl(filter).at("flows");
}

json Daemon::target(const std::string &id) const {
    const auto answer = must_ctl({"targets"});
    for (const auto &row : answer.at("targets"))
        if (row.at("id") == id)
            return row;
    throw std::runtime_error("no target " + id);
}

bool Daemon::has_target(const std::string &id) const {
    const auto targets = must_ctl({"targets"}).at("targets");
    return std::any_of(targets.begin(), targets.end(), [&](const json &row) { return row.at("id") == id; });
}

bool Daemon::wait_healthy(std::size_t targets, milliseconds timeout) const {
    return eventually(timeout, [&] {
        const auto answer = ctl({"status"});
        return answer.code == 0 && answer.document.at("targets").at("healthy") == targets;
    });
}

std::vector<std::string> Daemon::pins() const {
    std::vector<std::string> found;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(bpffs_.path()))
        if (!entry.is_directory() && entry.path().extension() != ".debug")
            found.push_back(std::filesystem::relative(entry.path(), bpffs_.path()).string());
    std::sort(found.begin(), found.end());
    return found;
}

void Daemon::force_detach(const std::vector<std::string> &devices) const {
    // The pin is the last reference to a link; deleting it detaches the program.
    for (const auto &entry : std::filesystem::directory_iterator(bpffs_.path()))
        if (entry.path().extension() != ".debug") // maps.debug and progs.debug belong to the kernel
            std::filesystem::remove_all(entry.path());
    for (const auto &device : devices) {
        (void)node_.run({"ip", "link", "set", device, "xdp", "off"});
        const bool detached = eventually(std::chrono::seconds(2), [&] {
            return node_.must({"ip", "link", "show", device}).find("xdp") == std::string::npos;
        });
        if (!detached)
            throw std::runtime_error("cannot detach XDP from " + device);
    }
}

std::string kernel_state(const Namespace &ns, const std::vector<std::string> &devices) {
    auto text = ns.must({"nft", "list", "ruleset"}) + ns.must({"ip", "rule"}) + ns.must({"ip", "-6", "rule"});
    for (const auto &device : devices) {
        text += ns.must({"tc", "qdisc", "show", "dev", device});
        text += ns.run({"tc", "filter", "show", "dev", device, "ingress"}).output;
        const auto link = ns.must({"ip", "link", "show", "dev", device});
        text += link.find("xdp") == std::string::npos ? "" : device + " has XDP\n";
    }
    return text;
}

} // namespace glb::test
