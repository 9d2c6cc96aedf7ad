// Published: the latest immutable value, written by one thread and read by any.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace glb {

/// In place of std::atomic<std::shared_ptr>, whose load() in libstdc++ 12 releases its lock with relaxed
/// order: a data race, which TSan reports. The lock is held only while a pointer is copied.
template <typename T>
class Published {
  public:
    explicit Published(std::shared_ptr<const T> value) : value_(std::move(value)) {}

    [[nodiscard]] std::shared_ptr<const T> load() const {
        const std::lock_guard lock(mutex_);
        return value_;
    }
    void store(std::shared_ptr<const T> value) { // the previous value is destroyed after the lock is released
        const std::lock_guard lock(mutex_);
        value_.swap(value);
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const T> value_;
};

} // namespace glb
