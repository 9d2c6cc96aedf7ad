/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* GLB_ABI(type, size): size and, in C++, the absence of hidden padding (hidden bytes make look-ups fail). */
#ifndef GLB_ABI_CHECK_H
#define GLB_ABI_CHECK_H

#ifdef __cplusplus
#include <type_traits>
#define GLB_ABI(type, size)                                                                                  \
    static_assert(sizeof(type) == (size), #type " has another size");                                        \
    static_assert(std::has_unique_object_representations_v<type>, #type " has hidden padding")
#else
#define GLB_ABI(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")
#endif

#endif
