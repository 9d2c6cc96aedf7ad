// Threads of the daemon.
#pragma once

#include <functional>
#include <thread>

namespace glb {

/// A thread with the caller's privileges. All signals are blocked in it: they are handled on the main thread.
/// `name`: at most 15 characters.
[[nodiscard]] std::thread start_thread(const char *name, std::function<void()> run);

} // namespace glb
