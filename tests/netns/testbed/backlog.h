// The kernel's queues while losses are counted.
#pragma once

#include <string>

namespace glb::test {

/// While it lives, the kernel's queue of each CPU is so long that nothing is lost in it: the machine's other
/// work would be counted as the load balancer's losses. Of the whole machine: a test that has one runs alone.
class LongBacklog {
  public:
    LongBacklog();
    ~LongBacklog();
    LongBacklog(const LongBacklog &) = delete;
    LongBacklog &operator=(const LongBacklog &) = delete;

  private:
    std::string before_;
};

} // namespace glb::test
