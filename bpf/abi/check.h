/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* GLB_ABI(type, size) asserts the size and, in C++, that there is no hidden padding, which would break key
 * look-ups. */
#ifndef GLB_ABI_CHECK_H
#define GLB_ABI_CHECK_H

#ifdef __cplusplus
#include <type_traits>
#define GLB_ABI(type, size)                                                                                  \
    static_assert(sizeof(type) == (size), #type " has an unexpected size");                                  \
    static_assert(std::has_unique_object_representations_v<type>, #type " has hidden padding")
#else
#define GLB_ABI(type, size) _Static_assert(sizeof(type) == (size), #type " has an unexpected size")
#endif

#endif
