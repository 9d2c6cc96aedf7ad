#include "controller/guard/owner.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "controller/guard/filter.h"
#include "controller/network/snapshot.h"
#include "controller/util/files.h"
#include "controller/util/numbers.h"
#include "lib/netlink/rules.h"

namespace glb::guard {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t id_bytes = 16;
constexpr std::size_t max_comment = 100; ///< nft allows 127 bytes, the member's name included

struct Member {
    const char *name;
    std::string Owner::*value;
};
constexpr std::array<Member, 5> members = {{{"node", &Owner::node},
                                            {"state-dir", &Owner::state_dir},
                                            {"bpffs", &Owner::bpffs},
                                            {"run-dir", &Owner::run_dir},
                                            {"id", &Owner::id}}};

bool is_plain(unsigned char byte) {
    return byte > ' ' && byte < 0x7f && byte != '"' && byte != '\\' && byte != '%';
}

/// nft strings have no escapes: other bytes become %XX.
std::string encode(const std::string &text) {
    std::string encoded;
    for (const char c : text)
        if (const auto byte = static_cast<unsigned char>(c); is_plain(byte))
            encoded += c;
        else
            encoded += fmt::format("%{:02x}", byte);
    return encoded;
}

std::string decode(const std::string &text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = text[i] == '%' ? parse_hex_bytes(text.substr(i + 1, 2)) : std::nullopt;
        if (byte && byte->size() == 1) {
            decoded += static_cast<char>(byte->front());
            i += 2;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

fs::path absolute_path(const fs::path &path) {
    std::error_code code;
    auto absolute = fs::weakly_canonical(fs::absolute(path, code), code);
    return code ? path : absolute;
}

/// Empty: there is none, or it is damaged.
std::string read_id(const fs::path &state_dir) {
    auto text = read_file(state_dir / "owner");
    if (!text || !text->ends_with('\n'))
        return {};
    text->pop_back();
    const auto bytes = parse_hex_bytes(*text);
    return bytes && bytes->size() == id_bytes ? *text : std::string();
}

std::string random_id() {
    std::vector<std::uint8_t> bytes(id_bytes);
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return {};
    return format_hex_bytes(bytes);
}

/// The abstract socket of the id, of which a network namespace has one.
std::pair<sockaddr_un, socklen_t> presence_address(const std::string &id) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto name = "glb-guard/" + id;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    return {address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())};
}

/// EADDRINUSE: a running daemon has it.
Result<Fd> bind_presence(const std::string &id) {
    Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto [address, size] = presence_address(id);
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr *>(&address), size) != 0)
        return fail_errno(errno, "cannot bind the socket of a guard's owner");
    return fd;
}

/// True as well if it is unknown, for example without a descriptor: nothing of a running daemon may be taken over.
bool is_running(const Owner &owner) {
    if (owner.id.size() != 2 * id_bytes)
        return false;
    const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto [address, size] = presence_address(owner.id);
    return !fd || ::connect(fd.get(), reinterpret_cast<const sockaddr *>(&address), size) == 0 ||
           errno != ECONNREFUSED;
}

/// Rules or filters without the table.
Result<bool> has_remains(Netlink &netlink) {
    GLB_ASSIGN(const auto rules, list_rules(netlink));
    if (std::ranges::any_of(rules, [](const Rule &rule) { return rule.is_own(); }))
        return true;
    GLB_ASSIGN(const auto snapshot, network::read_snapshot(netlink));
    for (const auto &link : snapshot.links) {
        GLB_ASSIGN(const auto filters, list_filters(netlink, link.index));
        if (std::ranges::any_of(filters, [](const Filter &filter) { return filter.is_own(); }))
            return true;
    }
    return false;
}

} // namespace

std::string to_string(const Owner &owner) {
    return fmt::format("node \"{}\" (state directory {}, bpffs {})", owner.node, owner.state_dir,
                       owner.bpffs);
}

std::string owner_ruleset(const Owner &owner) {
    std::string text = "add chain inet glb owner\nflush chain inet glb owner\n";
    for (const auto &member : members) {
        const auto value = encode(owner.*member.value);
        for (std::size_t at = 0; at < value.size(); at += max_comment) // parts of a long one, in order
            text += fmt::format("add rule inet glb owner return comment \"{} {}\"\n", member.name,
                                value.substr(at, max_comment));
    }
    return text;
}

std::optional<Owner> parse_owner(const std::string &chain_json) {
    const auto json = nlohmann::json::parse(chain_json, nullptr, false);
    if (!json.is_object() || !json.contains("nftables") || !json["nftables"].is_array())
        return std::nullopt;
    Owner owner;
    for (const auto &item : json["nftables"]) {
        if (!item.contains("rule") || !item["rule"].is_object())
            continue;
        const std::string comment = item["rule"].value("comment", "");
        const auto space = comment.find(' ');
        for (const auto &member : members)
            if (space != std::string::npos && comment.substr(0, space) == member.name)
                owner.*member.value += comment.substr(space + 1);
    }
    for (const auto &member : members) // an escape may be in two parts
        owner.*member.value = decode(owner.*member.value);
    return owner.state_dir.empty() ? std::nullopt : std::optional(owner);
}

OwnerCheck::OwnerCheck(const fs::path &state_dir, const fs::path &bpffs, const fs::path &run_dir) {
    self_.state_dir = absolute_path(state_dir).string();
    self_.bpffs = absolute_path(bpffs).string();
    self_.run_dir = absolute_path(run_dir).string();
}

void OwnerCheck::set_node(const std::string &name) {
    std::array<char, 256> host{};
    self_.node = !name.empty() || ::gethostname(host.data(), host.size() - 1) != 0 ? name : host.data();
}

const Owner &OwnerCheck::self() {
    if (self_.id.empty())
        self_.id = read_id(self_.state_dir);
    if (self_.id.empty()) {
        self_.id = random_id();
        (void)write_file_atomically(fs::path(self_.state_dir) / "owner", self_.id + "\n", 0600);
    }
    if (!presence_) // the first time, or no descriptor was left
        if (auto bound = bind_presence(self_.id))
            presence_ = std::move(*bound);
    return self_;
}

/// The path counts, and where it differs the id. A directory that was moved has the id at another path; one that was
/// lost has another id at the same path, where this daemon holds its lock. A daemon that takes over the data path of
/// another one that has ended, from its bpffs, takes over the guard.
Ownership OwnerCheck::compare(const Owner &recorded, bool has_pins) {
    const auto &self = this->self();
    std::error_code code;
    const bool exists = fs::exists(recorded.state_dir, code) || code;
    const bool is_same_id = !recorded.id.empty() && recorded.id == self.id;
    if (recorded.state_dir == self.state_dir)
        // Containers may see different directories at one path.
        return is_same_id || !is_running(recorded) ? Ownership::own : Ownership::foreign;
    if (is_same_id) { // moved, mounted elsewhere, or a copy
        const bool is_copy = read_id(recorded.state_dir) == self.id &&
                             !fs::equivalent(recorded.state_dir, self.state_dir, code);
        return is_copy ? Ownership::foreign : Ownership::own;
    }
    if (has_pins && recorded.bpffs == self.bpffs && !is_running(recorded))
        return Ownership::own;
    return exists || is_running(recorded) ? Ownership::foreign : Ownership::abandoned;
}

Result<FoundGuard> OwnerCheck::find(Nftables &nftables, Netlink &netlink, Evidence evidence) {
    FoundGuard found;
    GLB_ASSIGN(const auto chain, nftables.list_json("chain inet glb owner"));
    found.owner = parse_owner(chain);
    if (found.owner) {
        found.ownership = compare(*found.owner, evidence.has_pins);
        found.is_running = found.ownership == Ownership::foreign && is_running(*found.owner);
        return found;
    }
    GLB_ASSIGN(const auto table, nftables.list("table inet glb"));
    bool is_there = !table.empty();
    if (!is_there) {
        GLB_ASSIGN(is_there, has_remains(netlink));
    }
    if (is_there)
        found.ownership = evidence.has_state || evidence.has_pins ? Ownership::own : Ownership::abandoned;
    return found;
}

Status check_ownership(const FoundGuard &found) {
    if (found.ownership == Ownership::none || found.ownership == Ownership::own)
        return {};
    constexpr auto one = "a network namespace can have one guard";
    if (!found.owner)
        return tl::unexpected(Error{
            fmt::format(
                "there is a guard without an owner in this network namespace, and {}: stop the glbd that "
                "has installed it with glbctl down --yes; if there is none, remove it with glbctl gc",
                one),
            EBUSY});
    auto message = fmt::format(
        "the guard in this network namespace belongs to {}, and {}: ", to_string(*found.owner), one);
    if (found.ownership == Ownership::abandoned)
        message += "its state directory does not exist any more; remove it with glbctl gc";
    else if (found.is_running)
        message +=
            fmt::format("remove it with glbctl --socket {}/glbd.sock down --yes, or run this glbd in a "
                        "network namespace of its own",
                        found.owner->run_dir);
    else
        message +=
            fmt::format("its glbd does not run: start it with --state-dir {} and remove it with glbctl down "
                        "--yes; if it is gone for good, remove that directory and then its guard with "
                        "glbctl gc",
                        found.owner->state_dir);
    return tl::unexpected(Error{std::move(message), EBUSY});
}

} // namespace glb::guard
