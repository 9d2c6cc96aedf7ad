// Program: steering tables, words, egress, next hops, names: rows that are written one at a time.
#include <cstring>
#include <string_view>
#include <unistd.h>

#include <openssl/sha.h>

#include "controller/datapath/map_io.h"
#include "controller/datapath/program_state.h"
#include "controller/util/fd.h"

namespace glb::datapath {

std::uint64_t maglev_fingerprint(std::span<const std::uint16_t> slots) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char *>(slots.data()), slots.size_bytes(), digest);
    std::uint64_t print = 0;
    std::memcpy(&print, digest, sizeof print);
    return print ? print : 1;
}

namespace {

/// The table with this map id: by its pin, or by its id, which takes more privileges.
Fd open_table(const std::optional<Pins> &pins, std::uint32_t index, std::uint32_t id) {
    Fd pinned(pins ? bpf_obj_get(pins->table(index).c_str()) : -1);
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (pinned && bpf_obj_get_info_by_fd(pinned.get(), &info, &size) == 0 && info.id == id)
        return pinned;
    return Fd(bpf_map_get_fd_by_id(id));
}

Status pin_table(const Pins &pins, std::uint32_t index, int fd) {
    const auto pin = pins.table(index);
    ::unlink(pin.c_str());
    if (bpf_obj_pin(fd, pin.c_str()) != 0)
        return fail_errno(errno, "cannot pin Maglev table {} as {}", index, pin.string());
    return {};
}

} // namespace

Status Program::put_maglev(std::uint32_t index, std::span<const std::uint16_t> slots) {
    if (slots.size() != GLB_MAGLEV_SLOTS || index >= GLB_MAX_TABLES)
        return fail("a Maglev table has {} slots, not {}; indexes end at {}", GLB_MAGLEV_SLOTS, slots.size(),
                    GLB_MAX_TABLES);
    GLB_TRY(end_grace());
    std::vector<std::uint64_t> words(GLB_MAGLEV_WORDS, ~std::uint64_t{0});
    std::memcpy(words.data(), slots.data(), slots.size_bytes());
    const auto print = maglev_fingerprint(slots);
    std::uint32_t id = 0;
    Fd table;
    if (bpf_map_lookup_elem(map_fd("glb_maglev"), &index, &id) == 0)
        table = open_table(state_->pins, index, id);
    if (table) {
        GLB_TRY(write_rows(table.get(), 0, words, "a Maglev table"));
    } else {
        table = Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "glb_maglev_tab", sizeof(std::uint32_t),
                                  sizeof(std::uint64_t), GLB_MAGLEV_WORDS, nullptr));
        if (!table)
            return fail_errno(errno, "cannot make a Maglev table");
        GLB_TRY(write_rows(table.get(), 0, words, "a Maglev table"));
        const int fd = table.get();
        GLB_TRY(update_row(map_fd("glb_maglev"), index, &fd, "glb_maglev"));
        if (state_->pins)
            GLB_TRY(pin_table(*state_->pins, index, fd));
    }
    return update_row(map_fd("glb_maglev_fingerprints"), index, &print, "glb_maglev_fingerprints");
}

/// Its memory stays for the next table of that index: the kernel makes whoever changes a map of maps wait for
/// all packets under way, and who writes into a map that is there already need not wait.
Status Program::remove_maglev(std::uint32_t index) {
    const std::uint64_t none = 0;
    return update_row(map_fd("glb_maglev_fingerprints"), index, &none, "glb_maglev_fingerprints");
}

Result<std::uint64_t> Program::maglev_fingerprint_at(std::uint32_t index) const {
    return read_row<std::uint64_t>(map_fd("glb_maglev_fingerprints"), index, "glb_maglev_fingerprints");
}

Status Program::set_target_state(std::uint32_t target, std::uint64_t word) {
    return update_row(map_fd("glb_target_state"), target, &word, "glb_target_state");
}

Result<std::uint64_t> Program::target_state(std::uint32_t target) const {
    return read_row<std::uint64_t>(map_fd("glb_target_state"), target, "glb_target_state");
}

Status Program::set_endpoint_override(std::uint32_t endpoint, std::uint64_t word) {
    return update_row(map_fd("glb_endpoint_override"), endpoint, &word, "glb_endpoint_override");
}

Result<std::uint64_t> Program::endpoint_override(std::uint32_t endpoint) const {
    return read_row<std::uint64_t>(map_fd("glb_endpoint_override"), endpoint, "glb_endpoint_override");
}

Status Program::set_group_action(std::uint32_t group, glb_no_target_action action) {
    const std::uint64_t word = action;
    return update_row(map_fd("glb_group_action"), group, &word, "glb_group_action");
}

Status Program::set_fallback(std::uint32_t group, std::span<const std::uint16_t> targets) {
    if (targets.size() != GLB_FALLBACK_SLOTS || group >= GLB_MAX_GROUPS)
        return fail("a group's short list has {} places, not {}", GLB_FALLBACK_SLOTS, targets.size());
    const std::vector<std::uint64_t> rows(targets.begin(), targets.end());
    return write_rows(map_fd("glb_fallback"), group * GLB_FALLBACK_SLOTS, rows, "glb_fallback");
}

Status Program::set_egress(std::uint32_t fib_ifindex, const glb_egress &egress) {
    return update_row(map_fd("glb_egress"), fib_ifindex, &egress, "glb_egress");
}

Status Program::remove_egress(std::uint32_t fib_ifindex) {
    if (bpf_map_delete_elem(map_fd("glb_egress"), &fib_ifindex) != 0 && errno != ENOENT)
        return fail_errno(errno, "cannot remove interface {} from glb_egress", fib_ifindex);
    return {};
}

Result<std::vector<std::uint32_t>> Program::egress_interfaces() const {
    return all_keys<std::uint32_t>(map_fd("glb_egress"));
}

Status Program::add_device(std::uint32_t ifindex) {
    return update_row(map_fd("glb_devmap"), ifindex, &ifindex, "glb_devmap");
}

namespace {

glb_next_hop_key next_hop_key(std::uint32_t fib_ifindex, const std::uint8_t *mac) {
    glb_next_hop_key key{};
    key.ifindex = fib_ifindex;
    std::memcpy(key.mac, mac, sizeof key.mac);
    return key;
}

} // namespace

Status Program::set_next_hop(std::uint32_t index, std::uint32_t fib_ifindex, const glb_next_hop &hop) {
    GLB_TRY(update_row(map_fd("glb_next_hops"), index, &hop, "glb_next_hops"));
    const auto key = next_hop_key(fib_ifindex, hop.destination);
    if (bpf_map_update_elem(map_fd("glb_next_hop_ids"), &key, &index, BPF_ANY) != 0)
        return fail_errno(errno, "cannot write glb_next_hop_ids");
    return {};
}

Status Program::remove_next_hop(std::uint32_t fib_ifindex, const MacAddress &mac) {
    const auto key = next_hop_key(fib_ifindex, mac.bytes.data());
    if (bpf_map_delete_elem(map_fd("glb_next_hop_ids"), &key) != 0 && errno != ENOENT)
        return fail_errno(errno, "cannot remove a row of glb_next_hop_ids");
    return {};
}

Status Program::clear_next_hops() {
    for (const auto &key : all_keys<glb_next_hop_key>(map_fd("glb_next_hop_ids")))
        if (bpf_map_delete_elem(map_fd("glb_next_hop_ids"), &key) != 0 && errno != ENOENT)
            return fail_errno(errno, "cannot clear glb_next_hop_ids");
    return {};
}

Result<glb_metadata> Program::metadata() const {
    return read_row<glb_metadata>(map_fd("glb_metadata"), 0, "glb_metadata");
}

Status Program::set_metadata(const glb_metadata &kept) {
    return update_row(map_fd("glb_metadata"), 0, &kept, "glb_metadata");
}

Result<std::vector<std::string>> pinned_names(const Pins &pins) {
    Fd fd(bpf_obj_get(pins.map("glb_index_names").c_str()));
    if (!fd)
        return fail_errno(errno, "cannot open the pin {}", pins.map("glb_index_names").string());
    std::vector<std::string> names;
    names.reserve(GLB_INDEX_NAMES);
    for (std::uint32_t row = 0; row < GLB_INDEX_NAMES; ++row) {
        GLB_ASSIGN(const auto name, read_row<glb_index_name>(fd.get(), row, "glb_index_names"));
        names.emplace_back(name.text, ::strnlen(name.text, sizeof name.text));
    }
    return names;
}

Status Program::stamp(const std::vector<bool> &places, std::uint32_t now) {
    const auto seconds = static_cast<std::uint16_t>(now / GLB_TICKS_PER_SECOND) | 1; // as glb_stamp_seconds()
    for (std::uint32_t word = 0; word < GLB_STAMP_WORDS && word * 4 < places.size(); ++word) {
        if (!places[word * 4] && !places[word * 4 + 1] && !places[word * 4 + 2] && !places[word * 4 + 3])
            continue;
        GLB_ASSIGN(auto row, read_row<std::uint64_t>(map_fd("glb_stamps"), word, "glb_stamps"));
        for (unsigned i = 0; i < 4; ++i)
            if (places[word * 4 + i])
                row = (row & ~(std::uint64_t{0xffff} << 16 * i)) | static_cast<std::uint64_t>(seconds)
                                                                       << 16 * i;
        GLB_TRY(update_row(map_fd("glb_stamps"), word, &row, "glb_stamps"));
    }
    return {};
}

Status Program::set_name(std::uint32_t row, const std::string &name) {
    glb_index_name value{};
    if (name.size() >= sizeof value.text)
        return fail("the name {} is longer than {} bytes", name, sizeof value.text - 1);
    std::memcpy(value.text, name.data(), name.size());
    return update_row(map_fd("glb_index_names"), row, &value, "glb_index_names");
}

Result<glb_group> Program::active_group(std::uint32_t group) const {
    GLB_ASSIGN(const auto now, control());
    return read_row<glb_group>(map_fd("glb_groups"), (now.bank & 1) * GLB_MAX_GROUPS + group, "glb_groups");
}

Result<glb_target> Program::active_target(std::uint32_t target) const {
    GLB_ASSIGN(const auto now, control());
    return read_row<glb_target>(map_fd("glb_targets"), (now.bank & 1) * GLB_MAX_TARGETS + target,
                                "glb_targets");
}

} // namespace glb::datapath
