// Condition: something that is wrong although the node may be ready.
#pragma once

#include <string>
#include <string_view>

#include "controller/util/monotonic_time.h"

namespace glb {

/// Errors make `glbctl status --check` fail. A warning may hold for as long as the node exists.
enum class Severity { warning, error };

struct Condition {
    Severity severity = Severity::warning;
    std::string what;    ///< its kind, a word for scripts: "foreign-chain"
    std::string where;   ///< interface, GROUP/TARGET, JSON pointer...; empty: the node
    std::string message; ///< one line
    std::string fix;     ///< a command or an instruction; empty: none is known

    bool operator==(const Condition &) const = default;
};

struct HeldCondition {
    Condition condition;
    MonotonicTime since{};
};

/// "warning", "error".
[[nodiscard]] std::string_view to_string(Severity severity);

/// "MESSAGE; fix: FIX".
[[nodiscard]] std::string message_with_fix(const Condition &condition);

/// "WHERE: MESSAGE; fix: FIX".
[[nodiscard]] std::string to_string(const Condition &condition);

} // namespace glb
