// UTF-8, which JSON and the exposition formats of metrics require. Bytes from outside may be anything.
#pragma once

#include <string>
#include <string_view>

namespace glb {

/// The text with U+FFFD in place of what is not UTF-8.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

} // namespace glb
