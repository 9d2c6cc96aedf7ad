#include "controller/documents/flows.h"

namespace glb::documents {

void FlowListText::begin(std::string &text) const {
    text += R"({"flows":[)";
}

void FlowListText::add(std::string &text, const Flow &flow) {
    if (added_++ != 0)
        text += ',';
    text += serialize(to_json(flow));
}

void FlowListText::end(std::string &text, std::uint64_t total) const {
    text += fmt::format(R"(],"total":{},"truncated":{}}})", total, total > added_);
}

} // namespace glb::documents
