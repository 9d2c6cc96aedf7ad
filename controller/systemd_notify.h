// SystemdNotifier: tells systemd (sd_notify(3)) when the node is ready for the first time, and until then
// what it waits for.
#pragma once

#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/node/node.h"

namespace glb {

/// Without $NOTIFY_SOCKET nothing is told.
class SystemdNotifier {
  public:
    /// `node` outlives it.
    SystemdNotifier(boost::asio::io_context &loop, const LocalNode &node);

  private:
    void look();

    const LocalNode &node_;
    boost::asio::steady_timer timer_;
    std::string told_; ///< as STATUS
};

} // namespace glb
