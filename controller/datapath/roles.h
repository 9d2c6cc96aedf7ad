// Roles: all writers and readers of one loaded data path, for benchmarks and tests of the data path.
#pragma once

#include "controller/datapath/config_writer.h"
#include "controller/datapath/counter_reader.h"
#include "controller/datapath/egress_writer.h"
#include "controller/datapath/event_reader.h"
#include "controller/datapath/handles.h"
#include "controller/datapath/state_writer.h"

namespace glb::datapath {

struct Roles {
    DatapathHandlesPtr handles;
    ConfigWriter config;
    StateWriter state;
    EgressWriter egress;
    CounterReader counters;
    EventReader events;

    explicit Roles(const DatapathHandlesPtr &loaded)
        : handles(loaded), config(loaded), state(loaded), egress(loaded), counters(loaded), events(loaded) {}

    /// Continues on other handles of the same maps.
    void rebind(const DatapathHandlesPtr &loaded) {
        handles = loaded;
        config.rebind(loaded);
        state.rebind(loaded);
        egress.rebind(loaded);
        counters = CounterReader(loaded);
        events.rebind(loaded);
    }
};

} // namespace glb::datapath
