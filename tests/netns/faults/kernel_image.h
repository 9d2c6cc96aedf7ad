// kernel_image(): the configuration of the data path, read from its pinned maps and the kernel, as text for
// comparison.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/harness/netns.h"

namespace glb::test {

/// The active bank, target states, group actions, endpoint overrides, Maglev tables by content, names, links,
/// guard. Equal texts mean equal packet processing. Left out is what may differ between equivalent states:
/// bank number, epoch, table slots, ends of time windows.
[[nodiscard]] std::string kernel_image(const Namespace &node, const std::filesystem::path &bpffs,
                                       const std::vector<std::string> &devices);

/// Lines of `a` that are not in `b`, and the reverse, for failure messages.
[[nodiscard]] std::string difference(const std::string &a, const std::string &b);

} // namespace glb::test
