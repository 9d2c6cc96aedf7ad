#include "controller/tunnel/geneve_layout.h"

#include <boost/endian/conversion.hpp>

#include "tunnel/geneve.h"

namespace glb::tunnel {
namespace {

/// Appends an option whose value has `words` 32-bit words, all 0. The offset of its value.
std::size_t append_option(std::vector<std::uint8_t> &header, std::uint8_t type, std::uint8_t words) {
    const auto at = header.size();
    const auto value = at + sizeof(glb_geneve_option);
    header.resize(value + words * std::size_t{4});
    boost::endian::store_big_u16(&header[at], GLB_GENEVE_CLASS_AWS);
    header[at + 2] = type;
    header[at + 3] = words;
    header[0] = static_cast<std::uint8_t>((header.size() - GLB_GENEVE_BASE) / 4); // version 0, option words
    return value;
}

} // namespace

const GeneveLayout &aws_geneve() {
    static const auto layout = [] {
        GeneveLayout made;
        made.header.resize(GLB_GENEVE_BASE);
        made.endpoint = append_option(made.header, GLB_GENEVE_OPTION_ENDPOINT, 2);
        made.attachment = append_option(made.header, GLB_GENEVE_OPTION_ATTACHMENT, 2);
        made.cookie = append_option(made.header, GLB_GENEVE_OPTION_COOKIE, 1);
        return made;
    }();
    return layout;
}

} // namespace glb::tunnel
