// InterfaceConditionLog: log lines for interfaces of the manifest that disappear and return, once each. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace glb::control {

class InterfaceConditionLog {
  public:
    /// `index` is the kernel's; 0: the interface does not exist. The first call for an interface that exists
    /// reports nothing.
    [[nodiscard]] std::vector<std::string> update(const std::string &name, unsigned index);

    /// Forgets interfaces that the manifest does not name any more.
    void retain_only(const std::set<std::string> &names);

  private:
    std::map<std::string, unsigned> indexes_;
};

} // namespace glb::control
