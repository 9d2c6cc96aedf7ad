/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* TCP header flags (RFC 9293, section 3.1). */
#ifndef GLB_LIB_TCP_H
#define GLB_LIB_TCP_H

#define GLB_TCP_FIN 0x01
#define GLB_TCP_SYN 0x02
#define GLB_TCP_RST 0x04
#define GLB_TCP_ACK 0x10

#endif
