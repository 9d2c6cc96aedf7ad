// The outer header of a target as the data path copies it in front of a packet (struct glb_target).
#pragma once

#include "abi/config.h"
#include "controller/network/path.h"
#include "controller/tunnel/geneve_layout.h"
#include "controller/tunnel/ipv4_udp.h"

namespace glb::tunnel {

/// Fills in `header`, its length, offsets and checksum, the path's interface and MTU, and GLB_TARGET_RESOLVED.
/// `flow`: from the tunnel address to the target; the data path sets the source port. `path` has at most two
/// tags.
void write_header_template(glb_target &row, const network::Path &path, const UdpFlow &flow,
                           const GeneveLayout &layout);

} // namespace glb::tunnel
