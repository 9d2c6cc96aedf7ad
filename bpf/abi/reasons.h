/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Every reason for which a packet is not forwarded, and every other counter: one list each, from which the
 * enum, the texts of glbctl, the metrics and docs/reference follow. Add at the end only: the numbers are
 * indexes of pinned maps.
 *   X(NAME, "text", "meaning")
 */
#ifndef GLB_ABI_REASONS_H
#define GLB_ABI_REASONS_H

#define GLB_DROP_REASONS(X)                                                                                  \
    X(MALFORMED, "malformed",                                                                                \
      "an endpoint's packet whose IP or transport header is truncated or inconsistent")                      \
    X(SHORT_LINEAR, "short_linear", "headers lie outside the part of the frame that XDP can read")           \
    X(TOO_BIG, "too_big", "does not fit the tunnel's MTU with 68 bytes on top")                              \
    X(NO_TARGET, "no_target", "no target of the group takes traffic and the policy is drop")                 \
    X(NO_TARGET_YET, "no_target_yet", "every target of the group is still in its first health checks")       \
    X(NO_NEIGHBOUR, "no_neighbour", "the next hop to the chosen target is not resolved")                     \
    X(NO_HEADROOM, "no_headroom", "the driver left no room for 68 bytes in front of the frame")              \
    X(NO_CONFIG, "no_config", "a row of the configuration that the packet needs is absent")                  \
    X(UNKNOWN_SENDER, "unknown_sender",                                                                      \
      "GENEVE from an address that is no target, or by an interface that is not the tunnel's")               \
    X(SENDER_MAC, "sender_mac", "GENEVE from an on-link target's address, but from another MAC")             \
    X(OUTER_FRAGMENT, "outer_fragment", "the GENEVE packet arrived as an IP fragment")                       \
    X(OUTER_MALFORMED, "outer_malformed", "outer IP or UDP header truncated or inconsistent")                \
    X(GENEVE_VERSION, "geneve_version", "GENEVE version other than 0")                                       \
    X(GENEVE_CONTROL, "geneve_control", "GENEVE control packet (O bit)")                                     \
    X(GENEVE_OPTIONS, "geneve_options", "GENEVE option lengths do not sum up")                               \
    X(GENEVE_CRITICAL, "geneve_critical", "GENEVE carries a critical option that is unknown here")           \
    X(GENEVE_MISSING, "geneve_missing", "GENEVE without the endpoint option or the cookie option")           \
    X(GENEVE_PROTOCOL, "geneve_protocol", "GENEVE payload is neither IPv4 nor IPv6")                         \
    X(INNER_MALFORMED, "inner_malformed",                                                                    \
      "the returned inner packet is truncated, inconsistent, or longer than its tunnel packet")              \
    X(UNKNOWN_ENDPOINT, "unknown_endpoint", "returned with an endpoint id that this node does not have")     \
    X(UNKNOWN_FLOW, "unknown_flow", "returned packet of a flow that never came through this node")           \
    X(WRONG_TARGET, "wrong_target", "returned by a target that does not own the flow")                       \
    X(COOKIE_MISMATCH, "cookie_mismatch", "strict cookies: the returned cookie does not fit the flow")       \
    X(DOOR_FAILED, "door_failed", "the packet needs the kernel's stack, and the driver has no XDP metadata") \
    X(REDIRECT_FAILED, "redirect_failed",                                                                    \
      "the egress is not in the devmap, or the kernel lost the frame after XDP redirected it")               \
    X(SOURCE_LIMIT, "source_limit",                                                                          \
      "a new flow of a source beyond its endpoint's newFlowsPerSourcePerSecond")                             \
    X(FLOW_RESET, "flow_reset", "a packet of a flow that was reset, to which nothing is to be answered")

#define GLB_COUNTERS(X)                                                                                      \
    X(ENCAPSULATED, "encapsulated", "packets sent to a target")                                              \
    X(FORWARDED, "forwarded", "returned packets sent on by XDP")                                             \
    X(DOOR, "door", "returned packets handed to the kernel's stack by the door")                             \
    X(OWN, "own", "packets for the node itself, passed up untouched")                                        \
    X(OTHER, "other", "packets of no endpoint, passed up untouched")                                         \
    X(FLOW_NEW, "flow_new", "flows that got an entry as new flows")                                          \
    X(FLOW_MIDWAY, "flow_midway", "flows that got an entry in mid-flow")                                     \
    X(FLOW_REPLACED, "flow_replaced", "live entries replaced by another flow")                               \
    X(FLOW_REOPENED, "flow_reopened", "closed flows that a returned packet reopened")                        \
    X(FLOW_RESTEERED, "flow_resteered", "flows given to another target because theirs is gone")              \
    X(FLOW_WITHDRAWN, "flow_withdrawn", "entries withdrawn because another CPU entered the same flow")       \
    X(EPOCH_PREVIOUS, "epoch_previous", "packets steered by the previous epoch's table")                     \
    X(FALLBACK, "fallback", "picks made from the group's short list, Maglev's own choices being down")       \
    X(UNTRACKED, "untracked", "packets of flows that found no place in the table, steered by hash alone")    \
    X(RETURN_UNTRACKED, "return_untracked", "returned packets of untracked flows, forwarded")                \
    X(COOKIE_STALE, "cookie_stale", "returned with an older cookie, forwarded by the flow's tuple")          \
    X(ONE_WAY_TCP, "one_way_tcp", "TCP flows of which only one orientation was seen to return")              \
    X(BYPASSED, "bypassed", "packets forwarded uninspected, by policy")                                      \
    X(FRAGMENT_EARLY, "fragment_early", "fragments steered by addresses and protocol")                       \
    X(ECN_CE_NOT_ECT, "ecn_ce_not_ect",                                                                      \
      "outer header says congestion, inner flow does not speak ECN: forwarded unchanged")                    \
    X(LOOP_SUSPECTED, "loop_suspected", "our own tunnel packets that came in as an endpoint's traffic")      \
    X(CACHED_EGRESS, "cached_egress", "returned packets forwarded by the egress cached in their flow")       \
    X(EVENT_LOST, "event_lost", "events that were too many for the controller's ring")                       \
    X(IN_BAND, "in_band", "in-band health probes that came back through their target")                       \
    X(RESET, "reset", "flows reset because their target is gone")                                            \
    X(RESET_ANSWERED, "reset_answered",                                                                      \
      "packets of reset flows, answered to their sender by a RST, or by the probe that asks for its "        \
      "sequence number")                                                                                     \
    X(TRIAL, "trial", "new flows given to a target on trial")                                                \
    X(MIGRATED, "migrated", "flows found in the table before a migration and taken over by a packet")        \
    X(RESET_SENT_ON, "reset_sent_on", "packets of reset flows that became the RST to their far end")

#define GLB_REASON_ENUM(name, text, meaning) GLB_DROP_##name,
#define GLB_COUNTER_ENUM(name, text, meaning) GLB_COUNT_##name,

enum glb_drop { GLB_DROP_REASONS(GLB_REASON_ENUM) GLB_DROP_MAX };
enum glb_counter { GLB_COUNTERS(GLB_COUNTER_ENUM) GLB_COUNT_MAX };

#endif
