#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "bpf/abi/reasons.h"
#include "docs/generate/pages.h"

namespace glb::reference {

namespace {

struct Reason {
    std::string_view text;
    std::string_view meaning;
    std::string_view fix = "";
};

#define ROW(name, text, ...) Reason{text, __VA_ARGS__},
constexpr std::array drops = {GLB_DROP_REASONS(ROW)};
constexpr std::array counters = {GLB_COUNTERS(ROW)};
#undef ROW

std::string table(std::string_view head, const auto &rows) {
    const bool has_fixes = std::ranges::any_of(rows, [](const Reason &row) { return !row.fix.empty(); });
    auto out = fmt::format("| {} | meaning |{}\n|---|---|{}\n", head, has_fixes ? " fix |" : "",
                           has_fixes ? "---|" : "");
    for (const auto &[text, meaning, fix] : rows)
        out += fmt::format("| `{}` | {} |{}\n", text, meaning, has_fixes ? fmt::format(" {} |", fix) : "");
    return out;
}

} // namespace

std::string drops_page() {
    return "# Drop reasons\n\n"
           "<!-- Generated from bpf/abi/reasons.h: build the target \"reference\". -->\n\n"
           "Reasons for which the data path drops a packet. `glbctl drops` lists all of them, including zero "
           "counts. In\n"
           "`/metrics` the reason is the label `reason` of `glb_dropped_packets_total` and "
           "`glb_dropped_bytes_total`. Bytes are IP lengths ([metrics](metrics.md)).\n\n" +
           table("reason", drops);
}

std::string counters_page() {
    return "# Counters\n\n"
           "<!-- Generated from bpf/abi/reasons.h: build the target \"reference\". -->\n\n"
           "All other counters of the data path. `glbctl counters` lists all of them, including zero "
           "counts. In `/metrics`\n"
           "the name is the label `counter` of `glb_datapath_packets_total` and "
           "`glb_datapath_bytes_total`. Bytes are IP lengths ([metrics](metrics.md)).\n\n" +
           table("counter", counters);
}

} // namespace glb::reference
