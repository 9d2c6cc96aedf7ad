// Ports: everything outside of control that a change touches. Each has a fake in the tests.
#pragma once

#include "controller/control/ports/clock.h"
#include "controller/control/ports/datapath_port.h"
#include "controller/control/ports/guard_port.h"
#include "controller/control/ports/health_port.h"
#include "controller/control/ports/network_port.h"
#include "controller/control/ports/state_port.h"

namespace glb::control {

/// All must outlive their users.
struct Ports {
    Clock &clock;
    NetworkPort &network;
    GuardPort &guard;
    DatapathPort &datapath;
    HealthPort &health;
    StatePort &state;
};

} // namespace glb::control
