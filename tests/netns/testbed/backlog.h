// The kernel's per-CPU packet queue while a test counts losses.
#pragma once

#include <string>

namespace glb::test {

/// Raises net.core.netdev_max_backlog for its lifetime, so that a busy machine does not drop packets that
/// would be counted as the load balancer's losses. The setting is machine-wide: tests that use it run alone.
class LongBacklog {
  public:
    LongBacklog();
    ~LongBacklog();
    LongBacklog(const LongBacklog &) = delete;
    LongBacklog &operator=(const LongBacklog &) = delete;

  private:
    std::string saved_;
};

} // namespace glb::test
