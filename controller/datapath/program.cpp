#include "controller/datapath/program.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <glb_xdp.skel.h>

#include "controller/util/fd.h"

namespace glb::datapath {

namespace {

struct SkeletonDelete {
    void operator()(glb_xdp *skeleton) const { glb_xdp::destroy(skeleton); }
};

/// libbpf speaks through a callback: what it and the verifier say during a load is kept for the error.
std::string &load_log() {
    static std::string log;
    return log;
}

int keep_log(enum libbpf_print_level level, const char *format, va_list arguments) {
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

Status update(int fd, std::uint32_t key, const void *value, const char *what) {
    if (bpf_map_update_elem(fd, &key, value, BPF_ANY) != 0)
        return fail_errno(errno, "cannot write row {} of {}", key, what);
    return {};
}

/// Writes consecutive rows of an array map in one call.
template <typename Row>
Status write_rows(int fd, std::uint32_t first, const std::vector<Row> &rows, const char *what) {
    std::vector<std::uint32_t> keys(rows.size());
    for (std::uint32_t i = 0; i < keys.size(); ++i)
        keys[i] = first + i;
    auto count = static_cast<std::uint32_t>(rows.size());
    if (bpf_map_update_batch(fd, keys.data(), rows.data(), &count, nullptr) != 0)
        return fail_errno(errno, "cannot write {}: only {} of {} rows", what, count, rows.size());
    return {};
}

Result<std::vector<glb_count>> sum_counts(int fd, std::uint32_t rows) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 1)
        return fail("cannot tell the number of CPUs");
    std::vector<glb_count> sums(rows);
    std::vector<glb_count> each(static_cast<std::size_t>(cpus));
    for (std::uint32_t row = 0; row < rows; ++row) {
        if (bpf_map_lookup_elem(fd, &row, each.data()) != 0)
            return fail_errno(errno, "cannot read counter {}", row);
        for (const auto &count : each) {
            sums[row].packets += count.packets;
            sums[row].bytes += count.bytes;
        }
    }
    return sums;
}

/// Removes the keys of `bank` from a map whose keys carry a scope.
template <typename Key>
Status clear_scope(int fd, std::uint32_t bank, const char *what) {
    std::vector<Key> stale;
    Key key{};
    Key next{};
    const Key *previous = nullptr;
    while (bpf_map_get_next_key(fd, previous, &next) == 0) {
        if ((next.scope - 1) / GLB_PORT_SLOTS == bank)
            stale.push_back(next);
        key = next;
        previous = &key;
    }
    for (const auto &entry : stale)
        if (bpf_map_delete_elem(fd, &entry) != 0 && errno != ENOENT)
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

} // namespace

struct Program::State {
    std::unique_ptr<glb_xdp, SkeletonDelete> skeleton;
};

Program::Program(std::unique_ptr<State> state) : state_(std::move(state)) {}
Program::Program(Program &&) noexcept = default;
Program &Program::operator=(Program &&) noexcept = default;
Program::~Program() = default;

std::uint32_t round_capacity(std::uint64_t entries) {
    const auto bounded = std::clamp<std::uint64_t>(entries, GLB_FLOW_MIN_CAPACITY, GLB_FLOW_MAX_CAPACITY);
    return static_cast<std::uint32_t>(std::bit_ceil(bounded));
}

Result<Program> Program::load(const LoadSettings &settings) {
    if (settings.capacity != round_capacity(settings.capacity))
        return fail("flow table capacity {} is no power of two from {} to {}", settings.capacity,
                    GLB_FLOW_MIN_CAPACITY, GLB_FLOW_MAX_CAPACITY);
    if (settings.door_magic == 0)
        return fail("the door's magic must not be 0");
    load_log().clear();
    const auto before = libbpf_set_print(keep_log);
    auto state = std::make_unique<State>();
    state->skeleton.reset(glb_xdp::open());
    int code = state->skeleton ? 0 : errno;
    if (state->skeleton) {
        auto *skeleton = state->skeleton.get();
        auto &fixed = skeleton->rodata->glb_settings;
        std::copy(settings.table_key.begin(), settings.table_key.end(), fixed.table_key.word);
        fixed.bucket_mask = settings.capacity / GLB_FLOW_WAYS - 1;
        fixed.door_magic = settings.door_magic;
        bpf_map__set_max_entries(skeleton->maps.glb_flows, settings.capacity);
        bpf_map__set_max_entries(skeleton->maps.glb_flows_cold, settings.capacity);
        code = -glb_xdp::load(skeleton);
    }
    libbpf_set_print(before);
    if (code != 0)
        return fail_errno(code, "cannot load the XDP program; the kernel says:\n{}", load_log());
    return Program(std::move(state));
}

int Program::fd() const {
    return bpf_program__fd(state_->skeleton->progs.glb_xdp);
}

int Program::map_fd(const char *name) const {
    return bpf_object__find_map_fd_by_name(state_->skeleton->obj, name);
}

Result<glb_control> Program::control() const {
    const std::uint32_t zero = 0;
    glb_control control{};
    if (bpf_map_lookup_elem(map_fd("glb_control"), &zero, &control) != 0)
        return fail_errno(errno, "cannot read glb_control");
    return control;
}

Status Program::write_idle_bank(const BankImage &image) {
    GLB_ASSIGN(const auto now, control());
    const std::uint32_t bank = (now.bank & 1) ^ 1;
    GLB_TRY(update(map_fd("glb_node"), bank, &image.node, "glb_node"));
    auto ports = image.ports;
    for (auto &port : ports)
        if (port.key)
            port.scope += bank * GLB_PORT_SLOTS;
    GLB_TRY(write_rows(map_fd("glb_ports"), bank * GLB_PORT_SLOTS, ports, "glb_ports"));
    GLB_TRY(write_rows(map_fd("glb_endpoints"), bank * GLB_MAX_ENDPOINTS, image.endpoints, "glb_endpoints"));
    GLB_TRY(write_rows(map_fd("glb_endpoint_ids"), bank * GLB_ENDPOINT_ID_SLOTS, image.endpoint_ids,
                       "glb_endpoint_ids"));
    GLB_TRY(write_rows(map_fd("glb_groups"), bank * GLB_MAX_GROUPS, image.groups, "glb_groups"));
    GLB_TRY(write_rows(map_fd("glb_targets"), bank * GLB_MAX_TARGETS, image.targets, "glb_targets"));
    GLB_TRY(write_rows(map_fd("glb_senders"), bank * GLB_SENDER_SLOTS, image.senders, "glb_senders"));
    GLB_TRY(write_scoped(map_fd("glb_own"), bank, image.own, "glb_own"));
    return write_scoped(map_fd("glb_own_macs"), bank, image.own_macs, "glb_own_macs");
}

Status Program::flip(bool new_epoch) {
    GLB_ASSIGN(auto next, control());
    next.bank = (next.bank & 1) ^ 1;
    next.epoch += new_epoch ? 1 : 0;
    GLB_TRY(update(map_fd("glb_control"), 0, &next, "glb_control"));
    // One RCU grace period: no packet that read the old bank is still under way.
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
        return fail_errno(errno, "cannot wait for the data path");
    return {};
}

Status Program::raise_route_generation() {
    GLB_ASSIGN(auto next, control());
    ++next.route_generation;
    return update(map_fd("glb_control"), 0, &next, "glb_control");
}

Status Program::put_maglev(std::uint32_t index, std::span<const std::uint16_t> slots) {
    if (slots.size() != GLB_MAGLEV_SLOTS || index >= GLB_MAX_TABLES)
        return fail("a Maglev table has {} slots, not {}; indexes end at {}", GLB_MAGLEV_SLOTS, slots.size(),
                    GLB_MAX_TABLES);
    Fd table(bpf_map_create(BPF_MAP_TYPE_ARRAY, "glb_maglev_tab", sizeof(std::uint32_t), sizeof(std::uint64_t),
                            GLB_MAGLEV_WORDS, nullptr));
    if (!table)
        return fail_errno(errno, "cannot make a Maglev table");
    std::vector<std::uint64_t> words(GLB_MAGLEV_WORDS, ~std::uint64_t{0});
    std::memcpy(words.data(), slots.data(), slots.size_bytes());
    GLB_TRY(write_rows(table.get(), 0, words, "a Maglev table"));
    const int fd = table.get();
    return update(map_fd("glb_maglev"), index, &fd, "glb_maglev");
}

Status Program::set_target_word(std::uint32_t target, std::uint64_t word) {
    return update(map_fd("glb_target_words"), target, &word, "glb_target_words");
}

Status Program::set_group_word(std::uint32_t group, glb_none_action action) {
    const std::uint64_t word = action;
    return update(map_fd("glb_group_words"), group, &word, "glb_group_words");
}

Status Program::set_fallback(std::uint32_t group, std::span<const std::uint16_t> targets) {
    if (targets.size() != GLB_FALLBACK_SLOTS || group >= GLB_MAX_GROUPS)
        return fail("a group's short list has {} places, not {}", GLB_FALLBACK_SLOTS, targets.size());
    const std::vector<std::uint64_t> rows(targets.begin(), targets.end());
    return write_rows(map_fd("glb_fallback"), group * GLB_FALLBACK_SLOTS, rows, "glb_fallback");
}

Status Program::set_egress(std::uint32_t fib_ifindex, const glb_egress &egress) {
    return update(map_fd("glb_egress"), fib_ifindex, &egress, "glb_egress");
}

Status Program::remove_egress(std::uint32_t fib_ifindex) {
    if (bpf_map_delete_elem(map_fd("glb_egress"), &fib_ifindex) != 0 && errno != ENOENT)
        return fail_errno(errno, "cannot remove interface {} from glb_egress", fib_ifindex);
    return {};
}

Status Program::add_device(std::uint32_t ifindex) {
    return update(map_fd("glb_devmap"), ifindex, &ifindex, "glb_devmap");
}

Result<std::vector<glb_count>> Program::drops() const {
    return sum_counts(map_fd("glb_drops"), GLB_DROP_MAX);
}

Result<std::vector<glb_count>> Program::counters() const {
    return sum_counts(map_fd("glb_counters"), GLB_COUNT_MAX);
}

} // namespace glb::datapath
