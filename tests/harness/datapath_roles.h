// DatapathRoles: all writers and readers of one loaded data path, on one thread.
#pragma once

#include "controller/datapath/config_writer.h"
#include "controller/datapath/counter_reader.h"
#include "controller/datapath/egress_writer.h"
#include "controller/datapath/event_reader.h"
#include "controller/datapath/handles.h"
#include "controller/datapath/state_writer.h"

namespace glb::test {

struct DatapathRoles {
    datapath::DatapathHandlesPtr handles;
    datapath::ConfigWriter config;
    datapath::StateWriter state;
    datapath::EgressWriter egress;
    datapath::CounterReader counters;
    datapath::EventReader events;

    explicit DatapathRoles(const datapath::DatapathHandlesPtr &loaded)
        : handles(loaded), config(loaded), state(loaded), egress(loaded), counters(loaded), events(loaded) {}

    /// Continues on other handles of the same maps.
    void rebind(const datapath::DatapathHandlesPtr &loaded) {
        handles = loaded;
        config.rebind(loaded);
        state.rebind(loaded);
        egress.rebind(loaded);
        counters = datapath::CounterReader(loaded);
        events.rebind(loaded);
    }
};

} // namespace glb::test
