// ChunkSource: a long text that is produced in pieces, so that it is never in memory as a whole.
#pragma once

#include <functional>
#include <string>

namespace glb {

/// Appends the next piece to `chunk`, which is empty, and returns whether more follows. The last piece may be
/// empty (false); an earlier one may be too, if a call has found nothing within its time.
///
/// Contract: each call takes at most about 10 ms and produces about 64 KiB (chunk_bytes), since a consumer
/// holds one piece at a time and calls of several sources share a thread. Calls come one at a time, from any
/// thread, and none follows `false`. A source that is abandoned is destroyed without further calls. It
/// therefore owns, or shares, everything that it reads.
using ChunkSource = std::function<bool(std::string &chunk)>;

inline constexpr std::size_t chunk_bytes = 64u << 10;

} // namespace glb
