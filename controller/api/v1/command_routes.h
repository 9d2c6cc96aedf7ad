// POST routes: each hands a command to control. Private to the library.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "controller/control/commands.h"
#include "lib/http/http.h"
#include "lib/http/uri.h"

namespace glb::api {

struct CommandRequest {
    control::NodeCommands &commands;
    const HttpRequest &request;
    const RequestTarget &target;
    HttpRespond respond; ///< on any thread
};

struct CommandRoute {
    std::string_view path; ///< "*" matches one segment
    void (*serve)(const CommandRequest &);
};

[[nodiscard]] std::span<const CommandRoute> command_routes();

} // namespace glb::api
