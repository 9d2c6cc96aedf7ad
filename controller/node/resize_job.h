// What a node holds while flows move from one table to another, and what it held before.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>

#include "controller/datapath/handles.h"
#include "controller/datapath/migration/table_migration.h"
#include "controller/observe/flow_list.h"
#include "controller/util/result.h"

namespace glb {

/// The flow table on its way to another size.
struct ResizeJob {
    std::uint32_t capacity = 0;
    std::optional<datapath::TableMigration> move;
    datapath::DatapathHandlesPtr last; ///< the final program
    Status done;                       ///< of the last stage
    bool stalled = false;              ///< behind the swap: to be tried again
    std::future<void> work;            ///< the stage that runs; while it does, all of this is its own
};

/// Logs how many flows were moved.
void log_migration_result(const datapath::TableMigration &move, std::uint32_t capacity);

} // namespace glb
