// File descriptors 0 to 2.
#pragma once

namespace glb {

/// Opens /dev/null on each of descriptors 0 to 2 that is closed. Otherwise the next socket or map would get
/// that number, and what a library prints would be written into it. Call this first in main(). False if
/// one stays closed.
[[nodiscard]] bool open_standard_descriptors();

} // namespace glb
