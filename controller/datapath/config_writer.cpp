#include "controller/datapath/config_writer.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>

#include "controller/datapath/map_io.h"
#include "controller/datapath/pin_repair.h"
#include "controller/plan/maglev.h"
#include "controller/util/fd.h"

namespace glb::datapath {

namespace {

template <Map map>
WritableMap config_map(const DatapathHandlesPtr &handles) {
    return writable<ConfigWriter, map>(*handles);
}

/// Removes the keys of `bank` from a map whose keys have a scope.
template <typename Key>
Status clear_scoped(WritableMap map, std::uint32_t bank) {
    GLB_ASSIGN(const auto installed, all_keys<Key>(map));
    for (const auto &key : installed)
        if (plan::bank_of_scope(key.scope) == bank)
            GLB_TRY(erase_key(map, key));
    return {};
}

template <typename Key>
Status put_scoped(WritableMap map, std::uint32_t bank, Key key, std::uint32_t value = 1) {
    key.scope += bank * plan::scopes_per_bank;
    if (bpf_map_update_elem(map.fd, &key, &value, BPF_ANY) != 0)
        return fail_errno(errno, "cannot write {}", map.name);
    return {};
}

/// Replaces the keys of the bank.
Status write_scoped_keys(const DatapathHandlesPtr &handles, std::uint32_t bank,
                         const plan::BankImage &image) {
    const auto addresses = config_map<Map::local_addrs>(handles);
    const auto macs = config_map<Map::local_macs>(handles);
    GLB_TRY(clear_scoped<glb_local_addr_key>(addresses, bank));
    for (const auto &key : image.local_addresses)
        GLB_TRY(put_scoped(addresses, bank, key));
    for (const auto &[key, mtu] : image.route_mtus)
        GLB_TRY(put_scoped(addresses, bank, key, mtu));
    GLB_TRY(clear_scoped<glb_local_mac_key>(macs, bank));
    for (const auto &key : image.local_macs)
        GLB_TRY(put_scoped(macs, bank, key));
    return {};
}

/// The inner map with this id: by its pin, or by its id, which needs CAP_SYS_ADMIN.
std::uint32_t map_id(int fd) {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.id : 0;
}

Fd open_table(const std::optional<Pins> &pins, std::uint32_t index, std::uint32_t id) {
    Fd pinned(pins ? bpf_obj_get(pins->table(index).c_str()) : -1);
    if (map_id(pinned.get()) == id)
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

Status ConfigWriter::write_idle_bank(const plan::BankImage &image) {
    GLB_TRY(grace_period_.wait());
    GLB_ASSIGN(const auto active, control());
    const std::uint32_t bank = (active.bank & 1) ^ 1;
    // After a failure the content is unknown, and the next call writes all of it.
    const auto before = std::exchange(installed_[bank], std::nullopt);
    auto after = image;
    for (auto &port : after.ports)
        if (port.key)
            port.scope += bank * plan::scopes_per_bank;
    for (auto *scope : {&after.node.address_scope, &after.node.route_scope})
        if (*scope)
            *scope += bank * plan::scopes_per_bank;
    const auto write = [&](WritableMap map, std::uint32_t rows, auto member) {
        return write_changed_rows(map, bank * rows, after.*member, before ? &((*before).*member) : nullptr);
    };
    GLB_TRY(update_row(config_map<Map::node>(handles_), bank, &after.node));
    GLB_TRY(write(config_map<Map::logical_ports>(handles_), GLB_PORT_SLOTS, &plan::BankImage::ports));
    GLB_TRY(write(config_map<Map::endpoints>(handles_), GLB_MAX_ENDPOINTS, &plan::BankImage::endpoints));
    GLB_TRY(write(config_map<Map::endpoint_ids>(handles_), GLB_ENDPOINT_ID_SLOTS,
                  &plan::BankImage::endpoint_ids));
    GLB_TRY(write(config_map<Map::groups>(handles_), GLB_MAX_GROUPS, &plan::BankImage::groups));
    GLB_TRY(write(config_map<Map::targets>(handles_), GLB_MAX_TARGETS, &plan::BankImage::targets));
    GLB_TRY(write(config_map<Map::senders>(handles_), GLB_SENDER_SLOTS, &plan::BankImage::senders));
    GLB_TRY(write_scoped_keys(handles_, bank, after));
    installed_[bank] = std::move(after);
    return {};
}

Status ConfigWriter::flip(bool new_epoch) {
    GLB_ASSIGN(auto next, control());
    next.bank = (next.bank & 1) ^ 1;
    next.epoch += new_epoch ? 1 : 0;
    GLB_TRY(update_row(config_map<Map::control>(handles_), 0, &next));
    grace_period_.start();
    return {};
}

Status ConfigWriter::raise_route_generation() {
    GLB_ASSIGN(auto next, control());
    ++next.route_generation;
    return update_row(config_map<Map::control>(handles_), 0, &next);
}

Result<glb_control> ConfigWriter::control() const {
    return read_row<glb_control>(map_ref(*handles_, Map::control), 0);
}

Status ConfigWriter::put_maglev(std::uint32_t index, std::span<const std::uint16_t> slots) {
    if (slots.size() != GLB_MAGLEV_SLOTS || index >= GLB_MAX_TABLES)
        return fail("Maglev table {} of {} slots: a table has {} slots, and indexes are below {}", index,
                    slots.size(), GLB_MAGLEV_SLOTS, GLB_MAX_TABLES);
    GLB_TRY(grace_period_.wait());
    std::vector<std::uint64_t> words(GLB_MAGLEV_WORDS, ~std::uint64_t{0});
    std::memcpy(words.data(), slots.data(), slots.size_bytes());
    const auto fingerprint = plan::maglev_fingerprint(slots);
    std::uint32_t id = 0;
    auto &table = tables_[index];
    if (bpf_map_lookup_elem(handles_->map(Map::maglev), &index, &id) != 0)
        table = {};
    else if (map_id(table.get()) != id)
        table = open_table(handles_->pins(), index, id);
    const bool is_new = !table;
    if (is_new)
        table = Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "glb_maglev_tab", sizeof(std::uint32_t),
                                  sizeof(std::uint64_t), GLB_MAGLEV_WORDS, nullptr));
    if (!table)
        return fail_errno(errno, "cannot create a Maglev table");
    GLB_TRY(write_rows(WritableMap{{table.get(), "a Maglev table"}}, 0, words));
    if (is_new) {
        // In this order, a failure of either repeats both: a table at `index` is pinned.
        const int fd = table.get();
        if (handles_->pins())
            GLB_TRY(pin_table(*handles_->pins(), index, fd));
        GLB_TRY(update_row(config_map<Map::maglev>(handles_), index, &fd));
    }
    return update_row(config_map<Map::maglev_fingerprints>(handles_), index, &fingerprint);
}

Result<std::vector<std::string>> ConfigWriter::restore_table_pins() {
    std::vector<std::string> restored;
    if (!handles_->pins())
        return restored;
    for (std::uint32_t index = 0; index < GLB_MAX_TABLES; ++index) {
        std::uint32_t id = 0;
        if (bpf_map_lookup_elem(handles_->map(Map::maglev), &index, &id) != 0)
            continue;
        auto &table = tables_[index];
        if (map_id(table.get()) != id)
            table = open_table(handles_->pins(), index, id);
        const auto pin = handles_->pins()->table(index);
        if (!table)
            return fail("Maglev table {} is not pinned as {}, and cannot be opened otherwise", index,
                        pin.string());
        GLB_ASSIGN(const bool was_missing, pin_if_missing(table.get(), pin));
        if (was_missing)
            restored.push_back(pin.string());
    }
    return restored;
}

Status ConfigWriter::remove_maglev(std::uint32_t index) {
    const std::uint64_t none = 0;
    return update_row(config_map<Map::maglev_fingerprints>(handles_), index, &none);
}

Result<std::uint64_t> ConfigWriter::maglev_fingerprint_at(std::uint32_t index) const {
    return read_row<std::uint64_t>(map_ref(*handles_, Map::maglev_fingerprints), index);
}

Status ConfigWriter::set_endpoint_override(std::uint32_t endpoint, std::uint64_t flags) {
    return update_row(config_map<Map::endpoint_override>(handles_), endpoint, &flags);
}

Status ConfigWriter::set_metadata(const glb_metadata &metadata) {
    return update_row(config_map<Map::metadata>(handles_), 0, &metadata);
}

Result<glb_metadata> ConfigWriter::metadata() const {
    return read_row<glb_metadata>(map_ref(*handles_, Map::metadata), 0);
}

Status ConfigWriter::set_index_name(std::uint32_t row, const std::string &name) {
    glb_index_name value{};
    if (name.size() >= sizeof value.text)
        return fail("the name {} is longer than {} bytes", name, sizeof value.text - 1);
    std::memcpy(value.text, name.data(), name.size());
    return update_row(config_map<Map::index_names>(handles_), row, &value);
}

Status ConfigWriter::forget_endpoint(std::uint32_t endpoint) {
    if (endpoint >= GLB_MAX_ENDPOINTS)
        return fail("endpoint index {} is not below {}", endpoint, GLB_MAX_ENDPOINTS);
    static_assert(contains(maps, Map::endpoint_target_seen));
    handles_->endpoint_target_seen().clear_endpoint(endpoint);
    GLB_TRY(set_endpoint_override(endpoint, 0));
    return clear_per_cpu<glb_endpoint_count>(config_map<Map::endpoint_counts>(handles_), endpoint);
}

Status ConfigWriter::forget_target(std::uint32_t target) {
    if (target >= GLB_MAX_TARGETS)
        return fail("target index {} is not below {}", target, GLB_MAX_TARGETS);
    handles_->endpoint_target_seen().clear_target(target);
    const glb_target_count zero{};
    for (unsigned cpu = 0; cpu < handles_->target_counts().cpus(); ++cpu)
        GLB_TRY(update_row(config_map<Map::target_counts>(handles_), cpu * GLB_MAX_TARGETS + target, &zero));
    return {};
}

} // namespace glb::datapath
