// Turn: commands are executed one at a time, in the order of their requests.
#pragma once

#include <utility>

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/control/task.h"

namespace glb::control {

/// Control thread.
class Turn {
  public:
    explicit Turn(const boost::asio::any_io_executor &executor) : taken_(executor, 1) {}

    /// Releases the turn on destruction.
    class Hold {
      public:
        Hold() = default; ///< of no turn
        explicit Hold(Turn &turn) : turn_(&turn) {}
        Hold(Hold &&other) noexcept : turn_(std::exchange(other.turn_, nullptr)) {}
        Hold &operator=(Hold &&) = delete;
        ~Hold() {
            if (turn_)
                turn_->taken_.try_receive([](const boost::system::error_code &) {});
        }

      private:
        Turn *turn_ = nullptr;
    };

    [[nodiscard]] Task<Hold> take() {
        co_await taken_.async_send({}, boost::asio::use_awaitable);
        co_return Hold(*this);
    }

    [[nodiscard]] bool is_taken() const { return taken_.ready(); }

  private:
    boost::asio::experimental::channel<void(boost::system::error_code)> taken_; ///< of one element
};

} // namespace glb::control
