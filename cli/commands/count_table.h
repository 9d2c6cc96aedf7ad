// The table of drops and of counters.
#pragma once

#include <string>
#include <vector>

#include "controller/documents/counters.h"

namespace glb::cli {

/// `title` is that of the first column. With `are_losses`, counters above zero are highlighted.
[[nodiscard]] std::string format_counters(const std::vector<documents::Counter> &counters, const char *title,
                                          bool are_losses, bool colour);

} // namespace glb::cli
