// SignalHandler: SIGHUP applies the file of --manifest; SIGTERM and SIGINT end the daemon.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "controller/control/commands.h"
#include "controller/daemon_options.h"

namespace glb {

class SignalHandler {
  public:
    /// Stops `loop` at the end. All arguments must outlive the handler.
    SignalHandler(boost::asio::io_context &loop, control::NodeCommands &commands,
                  const DaemonOptions &options);

  private:
    void wait();
    void apply_file();

    boost::asio::io_context &loop_;
    control::NodeCommands &commands_;
    const DaemonOptions &options_;
    boost::asio::signal_set signals_;
};

} // namespace glb
