// LoadedMaps: what control has of the maps that are loaded.
#pragma once

#include <optional>
#include <set>

#include "controller/datapath/config_writer.h"
#include "controller/datapath/egress_writer.h"
#include "controller/datapath/handles.h"
#include "controller/datapath/redirect_tracepoints.h"

namespace glb::adapters {

struct LoadedMaps {
    datapath::DatapathHandlesPtr handles; ///< null: nothing is loaded, and there are no writers
    std::optional<datapath::ConfigWriter> config;
    std::optional<datapath::EgressWriter> egress;
    std::set<unsigned> devices; ///< of the devmap, as far as written
    std::optional<datapath::RedirectTracepoints> redirects;

    /// The writers continue on another set of maps.
    void use(const datapath::DatapathHandlesPtr &loaded) {
        handles = loaded;
        devices.clear(); // another set of maps may have none
        if (config) {
            config->rebind(loaded);
            egress->rebind(loaded);
        } else {
            config.emplace(loaded);
            egress.emplace(loaded);
        }
    }
};

} // namespace glb::adapters
