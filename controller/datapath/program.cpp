#include "controller/datapath/program.h"

#include <algorithm>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "controller/datapath/map_io.h"
#include "controller/datapath/program_state.h"
#include "controller/util/fd.h"

namespace glb::datapath {

namespace {

/// libbpf speaks through a callback: what it and the verifier say during a load is kept for the error.
std::string &load_log() {
    static thread_local std::string log;
    return log;
}

int capture_log(enum libbpf_print_level level, const char *format, va_list arguments) {
    if (level == LIBBPF_DEBUG)
        return 0;
    char line[1024];
    std::vsnprintf(line, sizeof line, format, arguments);
    auto &log = load_log();
    log += line;
    if (log.size() > 16384)
        log.erase(0, log.size() - 16384);
    return 0;
}

/// Removes the keys of `bank` from a map whose keys carry a scope.
template <typename Key>
Status clear_scope(int fd, std::uint32_t bank, const char *what) {
    for (const auto &key : all_keys<Key>(fd))
        if ((key.scope - 1) / GLB_PORT_SLOTS == bank && bpf_map_delete_elem(fd, &key) != 0 && errno != ENOENT)
            return fail_errno(errno, "cannot clear {}", what);
    return {};
}

template <typename Key>
Status write_scoped(int fd, std::uint32_t bank, const std::vector<Key> &keys, const char *what) {
    GLB_TRY(clear_scope<Key>(fd, bank, what));
    const std::uint32_t value = 1;
    for (auto key : keys) {
        key.scope += bank * GLB_PORT_SLOTS;
        if (bpf_map_update_elem(fd, &key, &value, BPF_ANY) != 0)
            return fail_errno(errno, "cannot write {}", what);
    }
    return {};
}

/// Waits until every packet that is under way has ended (membarrier(2) waits for RCU, some milliseconds);
/// errno or 0.
int one_grace_period() {
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0 ? 0 : errno;
}

/// Every map is pinned but the program's constants and the older table, which go with the program.
int set_pins(glb_xdp &skeleton, const Pins &pins) {
    bpf_map *map = nullptr;
    bpf_object__for_each_map(map, skeleton.obj) {
        const std::string name = bpf_map__name(map);
        if (bpf_map__is_internal(map) || name == "glb_flows_prev")
            continue;
        // The kernel adds a flag to device maps, which libbpf's own comparison of pinned maps then refuses.
        if (bpf_map__type(map) == BPF_MAP_TYPE_DEVMAP_HASH) {
            const Fd pinned(bpf_obj_get(pins.map(name).c_str()));
            if (pinned) {
                if (const int code = bpf_map__reuse_fd(map, pinned.get()); code != 0)
                    return -code;
                continue;
            }
        }
        if (const int code = bpf_map__set_pin_path(map, pins.map(name).c_str()); code != 0)
            return -code;
    }
    return 0;
}

} // namespace

Program::Program(std::unique_ptr<State> state) : state_(std::move(state)) {}
Program::Program(Program &&) noexcept = default;
Program &Program::operator=(Program &&) noexcept = default;
Program::~Program() = default;

std::uint32_t round_capacity(std::uint64_t entries) {
    const auto bounded = std::clamp<std::uint64_t>(entries, GLB_FLOW_MIN_CAPACITY, GLB_FLOW_MAX_CAPACITY);
    return static_cast<std::uint32_t>(std::bit_ceil(bounded));
}

Result<Program> Program::load(const LoadSettings &settings) {
    return load(settings, nullptr, nullptr);
}

Result<Program> Program::load(const LoadSettings &settings, const Pins &pins) {
    return load(settings, &pins, nullptr);
}

Result<Program> Program::load(const LoadSettings &settings, const Pins &pins, const MigrationSource &older) {
    return load(settings, &pins, &older);
}

Result<Program> Program::load(const LoadSettings &settings, const MigrationSource &older) {
    return load(settings, nullptr, &older);
}

Result<Program> Program::load(const LoadSettings &settings, const Pins *pins, const MigrationSource *older) {
    if (settings.capacity != round_capacity(settings.capacity))
        return fail("flow table capacity {} is no power of two from {} to {}", settings.capacity,
                    GLB_FLOW_MIN_CAPACITY, GLB_FLOW_MAX_CAPACITY);
    if (settings.punt_magic == 0)
        return fail("the door's magic must not be 0");
    load_log().clear();
    const auto before = libbpf_set_print(capture_log);
    auto state = std::make_unique<State>();
    state->skeleton.reset(glb_xdp::open());
    int code = state->skeleton ? 0 : errno;
    if (state->skeleton) {
        auto *skeleton = state->skeleton.get();
        auto &fixed = skeleton->rodata->glb_settings;
        std::copy(settings.table_key.begin(), settings.table_key.end(), fixed.table_key.word);
        fixed.bucket_mask = settings.capacity / GLB_FLOW_WAYS - 1;
        fixed.punt_magic = settings.punt_magic;
        bpf_map__set_max_entries(skeleton->maps.glb_flows_hot, settings.capacity);
        bpf_map__set_max_entries(skeleton->maps.glb_flows_cold, settings.capacity);
        bpf_map__set_max_entries(skeleton->maps.glb_target_counts, TargetCounts::rows());
        if (pins) {
            code = set_pins(*skeleton, *pins);
            state->pins = *pins;
        }
        if (older && !code) { // last: libbpf gives the map the name that it has in the kernel, glb_flows_hot
            code = -bpf_map__reuse_fd(skeleton->maps.glb_flows_prev, older->table);
            skeleton->rodata->glb_prev_shape = older->shape;
        }
        code = code ? code : -glb_xdp::load(skeleton);
    }
    libbpf_set_print(before);
    if (code != 0)
        return fail_errno(code, "cannot load the XDP program; the kernel says:\n{}", load_log());
    GLB_ASSIGN(state->target_counts, TargetCounts::map(bpf_map__fd(state->skeleton->maps.glb_target_counts)));
    GLB_ASSIGN(state->pairs,
               EndpointTargetSeen::map(bpf_map__fd(state->skeleton->maps.glb_endpoint_target_seen)));
    return Program(std::move(state));
}

int Program::fd() const {
    return bpf_program__fd(state_->skeleton->progs.glb_xdp);
}

int Program::map_fd(const char *name) const {
    // Not by libbpf's own search: a map that is taken over by its descriptor has the name that it has in the
    // kernel, which of the older table is glb_flows_hot too.
    bpf_map *map = nullptr;
    bpf_object__for_each_map(map, state_->skeleton->obj) {
        if (map != state_->skeleton->maps.glb_flows_prev && std::strcmp(bpf_map__name(map), name) == 0)
            return bpf_map__fd(map);
    }
    return -1;
}

Result<glb_control> Program::control() const {
    const std::uint32_t zero = 0;
    glb_control control{};
    if (bpf_map_lookup_elem(map_fd("glb_control"), &zero, &control) != 0)
        return fail_errno(errno, "cannot read glb_control");
    return control;
}

/// Most rows of a bank are empty or as they were: what the bank holds is remembered, and only the difference
/// written.
Status Program::write_idle_bank(const BankImage &image) {
    GLB_TRY(end_grace());
    GLB_ASSIGN(const auto now, control());
    const std::uint32_t bank = (now.bank & 1) ^ 1;
    const auto before = std::exchange(state_->held[bank], std::nullopt); // a failure leaves what nobody knows
    auto after = image;
    for (auto &port : after.ports)
        if (port.key)
            port.scope += bank * GLB_PORT_SLOTS;
    const auto write = [&](const char *map, std::uint32_t rows, auto member) {
        return write_changed_rows(map_fd(map), bank * rows, after.*member,
                                  before ? &((*before).*member) : nullptr, map);
    };
    GLB_TRY(update_row(map_fd("glb_node"), bank, &after.node, "glb_node"));
    GLB_TRY(write("glb_logical_ports", GLB_PORT_SLOTS, &BankImage::ports));
    GLB_TRY(write("glb_endpoints", GLB_MAX_ENDPOINTS, &BankImage::endpoints));
    GLB_TRY(write("glb_endpoint_ids", GLB_ENDPOINT_ID_SLOTS, &BankImage::endpoint_ids));
    GLB_TRY(write("glb_groups", GLB_MAX_GROUPS, &BankImage::groups));
    GLB_TRY(write("glb_targets", GLB_MAX_TARGETS, &BankImage::targets));
    GLB_TRY(write("glb_senders", GLB_SENDER_SLOTS, &BankImage::senders));
    GLB_TRY(write_scoped(map_fd("glb_local_addrs"), bank, after.local_addresses, "glb_local_addrs"));
    GLB_TRY(write_scoped(map_fd("glb_local_macs"), bank, after.local_macs, "glb_local_macs"));
    state_->held[bank] = std::move(after);
    return {};
}

Status Program::flip(bool new_epoch) {
    GLB_ASSIGN(auto next, control());
    next.bank = (next.bank & 1) ^ 1;
    next.epoch += new_epoch ? 1 : 0;
    GLB_TRY(update_row(map_fd("glb_control"), 0, &next, "glb_control"));
    state_->grace = std::async(std::launch::async, one_grace_period);
    return {};
}

Status Program::end_grace() {
    if (!state_->grace.valid())
        return {};
    // What failed beside the loop is tried once more by who needs it.
    return state_->grace.get() == 0 ? Status{} : wait_for_packets();
}

Status Program::wait_for_packets() const {
    const int code = one_grace_period();
    return code ? fail_errno(code, "cannot wait for the data path") : Status{};
}

Status Program::raise_route_generation() {
    GLB_ASSIGN(auto next, control());
    ++next.route_generation;
    return update_row(map_fd("glb_control"), 0, &next, "glb_control");
}

} // namespace glb::datapath
