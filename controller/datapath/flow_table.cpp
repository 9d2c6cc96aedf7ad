#include "controller/datapath/flow_table.h"

#include <array>
#include <bit>

#include <netinet/in.h>

namespace glb::datapath {

namespace {

using Word __attribute__((may_alias)) = std::uint64_t;

constexpr int row_attempts = 8;

std::uint64_t load(const void *word) {
    // Acquire: later loads of this thread are not reordered before it.
    return __atomic_load_n(static_cast<const Word *>(word), __ATOMIC_ACQUIRE);
}

/// Copies a line word by word while CPUs write it.
template <typename Line>
Line load_line(const Line &line) {
    std::array<std::uint64_t, sizeof(Line) / sizeof(std::uint64_t)> words;
    for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = load(reinterpret_cast<const std::byte *>(&line) + i * sizeof(std::uint64_t));
    return std::bit_cast<Line>(words);
}

bool holds_flow(std::uint64_t meta) {
    const auto code = glb_meta_code(meta);
    return !(meta & GLB_META_BUSY) && code != GLB_FLOW_FREE && code < GLB_FLOW_CODES;
}

IpAddress address_of(std::uint8_t family, const std::uint32_t (&words)[4]) {
    if (family == 4)
        return IpAddress::v4(words[0]);
    IpAddress address{.family = 6};
    address.bytes = std::bit_cast<std::array<std::uint8_t, 16>>(
        std::array<std::uint32_t, 4>{words[0], words[1], words[2], words[3]});
    return address;
}

FlowTotals totals_of(const glb_flow_hot &hot, const glb_flow_cold &cold, std::size_t leg) {
    FlowTotals totals;
    for (const auto i : {leg * 2, leg * 2 + 1}) {
        totals.packets += hot.count[i].packets;
        totals.bytes += (std::uint64_t{cold.carry[i]} << 32) + hot.count[i].bytes;
    }
    return totals;
}

FlowRow make_row(std::uint32_t slot, std::uint64_t meta, const glb_flow_hot &hot, const glb_flow_cold &cold) {
    FlowRow row;
    row.meta.word = meta;
    row.cookie = slot << 8 | row.meta.generation();
    row.endpoint = cold.endpoint;
    row.protocol = cold.ip_proto;
    row.start_tick = cold.start_tick;
    const auto low = address_of(cold.family, cold.low), high = address_of(cold.family, cold.high);
    const auto low_port = ntohs(cold.low_port), high_port = ntohs(cold.high_port);
    const bool from_low = cold.initiator == 0;
    row.source = from_low ? low : high;
    row.destination = from_low ? high : low;
    row.source_port = from_low ? low_port : high_port;
    row.destination_port = from_low ? high_port : low_port;
    row.out = totals_of(hot, cold, GLB_LEG_OUTBOUND);
    row.back = totals_of(hot, cold, GLB_LEG_RETURN);
    return row;
}

} // namespace

FlowState FlowMeta::state() const {
    const auto code = glb_meta_code(word);
    if (code < GLB_FLOW_ESTABLISHED)
        return FlowState::unconfirmed;
    if (code == GLB_FLOW_ESTABLISHED)
        return FlowState::established;
    return code >= GLB_FLOW_CLOSED ? FlowState::closed : FlowState::closing; // `closed` includes reset flows
}

std::uint32_t FlowMeta::idle(std::uint32_t now) const {
    return glb_meta_idle(word, now);
}

bool FlowMeta::live(std::uint32_t now, const TargetTimeouts &timeouts) const {
    const auto limits = target() < timeouts.size() ? timeouts[target()] : IdleTimeouts{};
    return idle(now) < glb_flow_timeout(glb_meta_code(word), (word & GLB_META_TCP) != 0, limits.tcp_ticks,
                                        limits.other_ticks);
}

Result<FlowTable> FlowTable::map(int hot_fd, int cold_fd, std::uint32_t capacity) {
    GLB_ASSIGN(auto hot, Mapped<const glb_flow_hot>::map(hot_fd, capacity, "glb_flows_hot"));
    GLB_ASSIGN(auto cold, Mapped<const glb_flow_cold>::map(cold_fd, capacity, "glb_flows_cold"));
    return FlowTable(std::move(hot), std::move(cold));
}

FlowTable::FlowTable(const glb_flow_hot *hot, const glb_flow_cold *cold, std::uint32_t capacity)
    : hot_(Mapped<const glb_flow_hot>::view({hot, capacity})),
      cold_(Mapped<const glb_flow_cold>::view({cold, capacity})) {}

std::optional<FlowMeta> FlowTable::meta(std::uint32_t slot) const {
    const auto word = load(&hot_[slot].meta);
    return holds_flow(word) ? std::optional(FlowMeta{word}) : std::nullopt;
}

std::optional<std::uint32_t> FlowTable::endpoint(std::uint32_t slot, const FlowMeta &meta) const {
    const auto cold = load_line(cold_[slot]);
    const auto after = load(&hot_[slot].meta);
    if (!holds_flow(after) || glb_meta_generation(after) != meta.generation() ||
        cold.generation != meta.generation())
        return std::nullopt;
    return cold.endpoint;
}

std::array<std::optional<std::uint16_t>, 2> FlowTable::next_hops(std::uint32_t slot, std::uint32_t now,
                                                                 std::uint32_t age) const {
    constexpr std::uint32_t tick_mask = 0xffffff;
    std::array<std::optional<std::uint16_t>, 2> hops;
    for (std::size_t i = 0; i < hops.size(); ++i)
        // The data path refreshes the cached index each second of use: its tick is that of the last use, or the
        // next one if that CPU's clock is ahead.
        if (const auto word = load(&hot_[slot].egress[i]);
            word && ((now + 1 - static_cast<std::uint32_t>(word >> 32)) & tick_mask) <= age + 1)
            hops[i] = static_cast<std::uint16_t>(word);
    return hops;
}

std::optional<FlowRow> FlowTable::row(std::uint32_t slot) const {
    for (int attempt = 0; attempt < row_attempts; ++attempt) {
        const auto before = load(&hot_[slot].meta);
        if (!(before & GLB_META_BUSY) && !holds_flow(before))
            return std::nullopt;
        const auto hot = load_line(hot_[slot]);
        const auto cold = load_line(cold_[slot]);
        const auto after = load(&hot_[slot].meta);
        const auto generation = glb_meta_generation(before);
        const bool whole = holds_flow(before) && holds_flow(after) &&
                           glb_meta_generation(after) == generation && cold.generation == generation;
        // State, target and time may change meanwhile; another generation is another flow.
        if (whole)
            return make_row(slot, after, hot, cold);
    }
    return std::nullopt;
}

std::uint64_t ticks_to_seconds(std::uint32_t ticks) {
    return (std::uint64_t{ticks} << GLB_TICK_SHIFT) / 1'000'000'000;
}

} // namespace glb::datapath
