// Transaction: the steps of a change, in the order in which they are executed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/control/task.h"
#include "controller/util/worker.h"

namespace glb::control {

/// Ends with the first step that fails. Undo is a transaction of its own, which makes the previous
/// configuration active again: after a fault, or in a daemon that is started after a kill.
class Transaction {
  public:
    using Call = std::function<Status()>;
    using Coroutine = std::function<Task<Status>()>;

    /// On the control thread. `name` is for the log.
    void add(std::string name, Call call) { steps_.push_back({std::move(name), std::move(call), {}, false}); }
    /// On the worker, while the control thread serves other events.
    void add_blocking(std::string name, Call call) {
        steps_.push_back({std::move(name), std::move(call), {}, true});
    }
    void add_coroutine(std::string name, Coroutine coroutine) {
        steps_.push_back({std::move(name), {}, std::move(coroutine), false});
    }

    [[nodiscard]] Task<Status> run(Worker &worker) const;

  private:
    struct Step {
        std::string name;
        Call call;
        Coroutine coroutine; ///< instead of `call`
        bool blocking = false;
    };
    std::vector<Step> steps_;
};

} // namespace glb::control
