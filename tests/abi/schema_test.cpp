// The layout of everything that is pinned, as one digest. A change must increment GLB_SCHEMA, else an upgrade
// would read the previous version's maps with the wrong layout.
#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <openssl/sha.h>

#include "abi/limits.h"
#include "abi/reasons.h"

namespace {

struct Close {
    void operator()(bpf_object *object) const { bpf_object__close(object); }
};

/// Members of a struct with their offsets and sizes, and those of structs in it; each struct once.
void describe(const btf *types, std::uint32_t id, std::set<std::uint32_t> &seen, std::string &text) {
    const auto *type = btf__type_by_id(types, id);
    while (btf_is_mod(type) || btf_is_typedef(type) || btf_is_array(type)) {
        id = btf_is_array(type) ? btf_array(type)->type : type->type;
        type = btf__type_by_id(types, id);
    }
    if (!btf_is_composite(type) || !seen.insert(id).second)
        return;
    text += fmt::format("struct {} {}\n", btf__name_by_offset(types, type->name_off), type->size);
    for (std::uint16_t i = 0; i < btf_vlen(type); ++i)
        text +=
            fmt::format("  {} {} {}\n", btf__name_by_offset(types, btf_members(type)[i].name_off),
                        btf_member_bit_offset(type, i), btf__resolve_size(types, btf_members(type)[i].type));
    for (std::uint16_t i = 0; i < btf_vlen(type); ++i)
        describe(types, btf_members(type)[i].type, seen, text);
}

/// Every map with its sizes and its value's members, and the meaning of each counter's index. Independent of
/// the order in which maps are declared.
std::string layout() {
    const std::unique_ptr<bpf_object, Close> object(bpf_object__open_file(GLB_XDP_OBJECT, nullptr));
    REQUIRE(object);
    std::map<std::string, const bpf_map *> maps;
    const bpf_map *each = nullptr;
    bpf_object__for_each_map(each, object.get()) {
        // Sections of global data and the storage for one packet are not pinned.
        if (!bpf_map__is_internal(each) && bpf_map__name(each) != std::string("glb_context"))
            maps[bpf_map__name(each)] = each;
    }
    std::string text;
    std::set<std::uint32_t> seen;
    for (const auto &[name, map] : maps) {
        text += fmt::format("map {} {} {} {} {} {:x}\n", name, static_cast<unsigned>(bpf_map__type(map)),
                            bpf_map__key_size(map), bpf_map__value_size(map), bpf_map__max_entries(map),
                            bpf_map__map_flags(map));
        if (const auto value = bpf_map__btf_value_type_id(map))
            describe(bpf_object__btf(object.get()), value, seen, text);
    }
#define GLB_TEXT(name, word, ...) text += word "\n";
    GLB_DROP_REASONS(GLB_TEXT)
    GLB_COUNTERS(GLB_TEXT)
#undef GLB_TEXT
    return text;
}

std::string digest(const std::string &text) {
    unsigned char sum[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char *>(text.data()), text.size(), sum);
    std::string hex;
    for (const auto byte : sum)
        hex += fmt::format("{:02x}", byte);
    return hex;
}

} // namespace

TEST_CASE("schema: the layout of pinned maps matches GLB_SCHEMA", "[abi]") {
    const auto text = layout();
    REQUIRE(text.find("map glb_flows_hot ") != text.npos);
    std::ifstream file(GLB_SCHEMA_FILE);
    unsigned schema = 0;
    std::string wanted;
    REQUIRE(file >> schema >> wanted);
    INFO("if a pinned map or the meaning of a counter's index has changed since the last release, increment "
         "GLB_SCHEMA in bpf/abi/limits.h; then set tests/abi/schema.txt to \""
         << GLB_SCHEMA << " " << digest(text) << "\"");
    CHECK(schema == GLB_SCHEMA);
    CHECK(digest(text) == wanted);
}
