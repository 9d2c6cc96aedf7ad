/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Drop reasons and counters: one list each, from which enums, glbctl's texts, metrics and docs/reference are
 * generated. Append only: the numbers are indexes of pinned maps.
 *   X(NAME, "text", "meaning", "fix")     reasons; an empty fix: nothing to mend at the node
 *   X(NAME, "text", "meaning")            counters
 */
#ifndef GLB_ABI_REASONS_H
#define GLB_ABI_REASONS_H

#define GLB_DROP_REASONS(X)                                                                                  \
    X(MALFORMED, "malformed", "IP or transport header of an endpoint's packet is truncated or inconsistent", \
      "")                                                                                                    \
    X(SHORT_LINEAR, "short_linear", "headers are outside the linear part of the frame",                      \
      "turn off the driver's header split: ethtool -G DEV tcp-data-split off; glb needs all headers in one " \
      "buffer")                                                                                              \
    X(TOO_BIG, "too_big", "packet plus 68 bytes of encapsulation exceeds the tunnel MTU",                    \
      "raise the MTU of the tunnel's interface to the endpoints' MTU + 68, or lower the endpoints'")         \
    X(NO_TARGET, "no_target", "no eligible target in the group (policy: drop)",                              \
      "see the reasons in glbctl targets; add or repair a target")                                           \
    X(NO_TARGET_YET, "no_target_yet", "all targets of the group are in initial health checking",             \
      "wait for the first health checks; see glbctl targets")                                                \
    X(NO_NEIGHBOUR, "no_neighbour", "next hop of the target is not resolved",                                \
      "make the target, or the router to it, answer ARP on the tunnel's interface: ip neigh show dev DEV")   \
    X(NO_HEADROOM, "no_headroom", "driver provides less than 68 bytes of headroom",                          \
      "use a driver with 256 bytes of XDP headroom, or node.xdpMode generic")                                \
    X(NO_CONFIG, "no_config", "configuration row is missing", "")                                            \
    X(UNKNOWN_SENDER, "unknown_sender",                                                                      \
      "GENEVE from an address that is not a target, or not received on the tunnel interface",                \
      "if an appliance sent it: add its address as a target, and let it answer on the tunnel's interface")   \
    X(SENDER_MAC, "sender_mac", "GENEVE from an on-link target's address with another source MAC",           \
      "if an appliance answers from another MAC (HA pair): node.tunnel.senderMac any")                       \
    X(OUTER_FRAGMENT, "outer_fragment", "GENEVE packet is an IP fragment",                                   \
      "raise the MTU between appliance and node; GENEVE packets must not be fragmented")                     \
    X(OUTER_MALFORMED, "outer_malformed", "outer IP or UDP header is truncated or inconsistent", "")         \
    X(GENEVE_VERSION, "geneve_version", "GENEVE version is not 0", "")                                       \
    X(GENEVE_CONTROL, "geneve_control", "GENEVE control packet (O bit)", "")                                 \
    X(GENEVE_OPTIONS, "geneve_options", "GENEVE option lengths are inconsistent",                            \
      "let the appliance return the GENEVE header unchanged")                                                \
    X(GENEVE_CRITICAL, "geneve_critical", "unknown critical GENEVE option",                                  \
      "let the appliance return the GENEVE header unchanged")                                                \
    X(GENEVE_MISSING, "geneve_missing", "GENEVE without endpoint or cookie option",                          \
      "let the appliance return the GENEVE header unchanged")                                                \
    X(GENEVE_PROTOCOL, "geneve_protocol", "GENEVE payload is neither IPv4 nor IPv6", "")                     \
    X(INNER_MALFORMED, "inner_malformed",                                                                    \
      "returned inner packet is truncated, inconsistent, or longer than its tunnel packet", "")              \
    X(UNKNOWN_ENDPOINT, "unknown_endpoint",                                                                  \
      "returned packet has an endpoint id that is not configured on this node",                              \
      "let the appliance return the endpoint id that it received; see glbctl endpoints")                     \
    X(UNKNOWN_FLOW, "unknown_flow", "returned packet does not belong to a known flow", "")                   \
    X(WRONG_TARGET, "wrong_target", "returned by a target that does not own the flow",                       \
      "normal for late packets of a flow that has moved; otherwise check that appliances do not share "      \
      "addresses")                                                                                           \
    X(COOKIE_MISMATCH, "cookie_mismatch",                                                                    \
      "the returned cookie does not match the flow: strict cookies, or a target whose MAC is not checked",   \
      "let the appliance return the cookie of the same flow")                                                \
    X(PUNT_FAILED, "punt_failed",                                                                            \
      "packet needs the host stack, but the driver does not support XDP metadata",                           \
      "use another driver, or node.xdpMode generic")                                                         \
    X(REDIRECT_FAILED, "redirect_failed",                                                                    \
      "egress is not in the devmap, or the kernel dropped the frame after XDP redirect",                     \
      "see ip -s link and ethtool -S of the egress interface; the far end of a veth needs an XDP program "   \
      "of its own")                                                                                          \
    X(SOURCE_LIMIT, "source_limit", "new flow exceeds the endpoint's newFlowsPerSourcePerSecond",            \
      "raise the endpoint's newFlowsPerSourcePerSecond if its clients are honest")                           \
    X(FLOW_RESET, "flow_reset", "packet of a flow that was reset; no answer is sent", "")                    \
    X(MARTIAN, "martian", "source is an address of this node, or not a unicast address",                     \
      "if the hosts are not hostile: look for a routing loop, and for an address that this node shares "     \
      "with a host")                                                                                         \
    X(BAD_CHECKSUM, "bad_checksum", "IPv4 header checksum of an endpoint's or a returned packet is wrong",   \
      "look for the sender, link or appliance that damages headers; IP checksum offload must not be left "   \
      "to a tunnel")                                                                                         \
    X(NO_TUNNEL_ADDRESS, "no_tunnel_address", "this node does not have node.tunnel.address",                 \
      "ip addr add ADDRESS dev DEV, and set the interface up")                                               \
    X(APPLIANCE_OFFLOAD, "appliance_offload",                                                                \
      "returned packet is longer than its endpoint's MTU: the appliance has merged segments, or the MTU "    \
      "was lowered below that of the hosts",                                                                 \
      "on the appliance: ethtool -K DEV gro off lro off; or raise the MTU of the endpoint's interfaces")     \
    X(HOST_FIREWALL, "host_firewall",                                                                        \
      "the host's own firewall dropped a packet that was punted to its stack",                               \
      "let packets with the marks of node.markMask pass in the chains that nft list ruleset shows")          \
    X(PUNT_LIMITED, "punt_limited",                                                                          \
      "packet needs the host stack, but exceeds the limit of 1,000 per second and endpoint, or 5,000 per "   \
      "node",                                                                                                \
      "find what is sent with an expiring TTL, too big, without a route or to absent hosts")

#define GLB_COUNTERS(X)                                                                                      \
    X(ENCAPSULATED, "encapsulated", "packets sent to a target")                                              \
    X(FORWARDED, "forwarded", "returned packets forwarded by XDP")                                           \
    X(PUNTED, "punted", "returned packets punted to the host stack")                                         \
    X(LOCAL, "local", "packets passed unmodified: local or link-scope address, other MAC, not IP")           \
    X(PASSED_OTHER, "passed_other", "packets that match no endpoint, passed unmodified")                     \
    X(FLOW_NEW, "flow_new", "flow table entries created by new flows")                                       \
    X(FLOW_MIDSTREAM, "flow_midstream", "flow table entries created midstream")                              \
    X(FLOW_REPLACED, "flow_replaced", "live entries evicted by another flow")                                \
    X(FLOW_REOPENED, "flow_reopened", "closed flows reopened by a returned packet")                          \
    X(FLOW_RESTEERED, "flow_resteered", "flows moved to another target: theirs failed or was deregistered")  \
    X(FLOW_DUPLICATE_REMOVED, "flow_duplicate_removed",                                                      \
      "duplicate entries removed after two CPUs inserted the same flow")                                     \
    X(STEERED_PREVIOUS_EPOCH, "steered_previous_epoch",                                                      \
      "packets steered by the group's previous Maglev table")                                                \
    X(STEERED_FALLBACK, "steered_fallback",                                                                  \
      "packets steered by the group's fallback list because Maglev's choices were down")                     \
    X(UNTRACKED, "untracked", "packets of flows without a table entry, steered by hash; not fragments")      \
    X(RETURN_UNTRACKED, "return_untracked", "returned packets of untracked flows, forwarded")                \
    X(COOKIE_STALE, "cookie_stale", "returned with a previous cookie, forwarded by the flow's tuple")        \
    X(ONE_WAY_TCP, "one_way_tcp", "TCP flows of which only one direction has returned")                      \
    X(BYPASSED, "bypassed", "packets forwarded uninspected: operator bypass or onAllUnhealthy")              \
    X(FRAGMENT_EARLY, "fragment_early", "fragments steered by addresses and protocol")                       \
    X(ECN_CE_NOT_ECT, "ecn_ce_not_ect",                                                                      \
      "congestion marked on the outer header of a flow without ECN, forwarded unchanged")                    \
    X(LOOP_SUSPECTED, "loop_suspected", "this node's own tunnel packets received as endpoint traffic")       \
    X(CACHED_EGRESS, "cached_egress", "returned packets forwarded by the flow's cached egress")              \
    X(EVENT_LOST, "event_lost", "events lost beyond the rate limit, or because the ring buffer was full")    \
    X(IN_BAND, "in_band", "in-band health probes returned by their target")                                  \
    X(RESET, "reset", "flows reset because their target failed or was deregistered")                         \
    X(RESET_ANSWERED, "reset_answered",                                                                      \
      "packets of reset flows answered with a RST, or with a probe for the sequence number")                 \
    X(HALF_OPEN_FLOW, "half_open_flow", "new flows steered to a half-open target")                           \
    X(FLOW_MIGRATED, "flow_migrated", "flows moved by a packet from the previous flow table")                \
    X(RESET_SENT_ON, "reset_sent_on",                                                                        \
      "packets of reset flows rewritten to a RST, or to a probe, for the far end")

#define GLB_REASON_ENUM(name, text, meaning, fix) GLB_DROP_##name,
#define GLB_COUNTER_ENUM(name, text, meaning) GLB_COUNT_##name,

enum glb_drop { GLB_DROP_REASONS(GLB_REASON_ENUM) GLB_DROP_MAX };
enum glb_counter { GLB_COUNTERS(GLB_COUNTER_ENUM) GLB_COUNT_MAX };

#endif
