// KernelImage: what the data path does for packets, read from its pinned maps and the kernel, as text to be
// compared.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/harness/netns.h"

namespace glb::test {

/// The active bank, words, tables by their content, names, links, guard. Equal texts treat every packet
/// alike: what may differ between two such states is left away (bank and epoch, places of tables, ends of
/// windows).
[[nodiscard]] std::string kernel_image(const Namespace &node, const std::filesystem::path &bpffs,
                                       const std::vector<std::string> &devices);

/// What differs, for messages: lines of `a` that are not in `b` and the reverse.
[[nodiscard]] std::string difference(const std::string &a, const std::string &b);

} // namespace glb::test
