// Small helpers for standard containers.
#pragma once

#include <algorithm>
#include <vector>

namespace glb {

/// Appends `value` unless the list contains it. Linear: for short lists.
template <typename T>
void push_back_unique(std::vector<T> &list, const T &value) {
    if (std::find(list.begin(), list.end(), value) == list.end())
        list.push_back(value);
}

} // namespace glb
