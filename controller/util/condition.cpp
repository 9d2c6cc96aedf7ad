#include "controller/util/condition.h"

namespace glb {

std::string_view to_string(Severity severity) {
    return severity == Severity::error ? "error" : "warning";
}

std::string message_with_fix(const Condition &condition) {
    return condition.fix.empty() ? condition.message : condition.message + "; fix: " + condition.fix;
}

std::string to_string(const Condition &condition) {
    const auto text = message_with_fix(condition);
    return condition.where.empty() ? text : condition.where + ": " + text;
}

} // namespace glb
