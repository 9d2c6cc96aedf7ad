#include "controller/control/transaction.h"

#include "controller/util/log.h"

namespace glb::control {

Task<Status> Transaction::run(Worker &worker) const {
    for (const auto &step : steps_) {
        Status done;
        if (step.coroutine)
            done = co_await step.coroutine();
        else if (step.blocking)
            done = co_await worker.run(step.call);
        else
            done = step.call();
        if (done)
            continue;
        spdlog::debug("step {} failed: {}", step.name, done.error().message);
        co_return done;
    }
    co_return Status{};
}

} // namespace glb::control
