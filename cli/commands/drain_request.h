// What drain and undrain have in common: the request.
#pragma once

#include <string>

#include "cli/context.h"

namespace glb::cli {

/// POST of `verb` ("drain", "undrain") for `target`, which is GROUP/TARGET, and prints the result. Returns
/// the exit status.
int post_drain(const Context &context, const std::string &target, const std::string &verb, bool force);

} // namespace glb::cli
