// parse_manifest with anything: it ends, its errors have places and words, and what it takes it also exports.
#include "controller/config/exporter.h"
#include "controller/config/manifest_diff.h"
#include "controller/config/object_reader.h"
#include "controller/config/unsupported_features.h"
#include "tests/fuzz/must.h"

namespace {

using namespace glb;
using fuzz::must;

void check_errors(const std::vector<ManifestError> &errors) {
    must(errors.size() <= max_manifest_errors, "no more errors than the bound");
    for (const auto &[pointer, message] : errors) {
        must(!message.empty(), "an error has words");
        must(pointer.empty() || pointer.front() == '/', "an error has an RFC 6901 pointer");
        const nlohmann::json::json_pointer parsed(pointer); // throws, and so ends the run, where it is none
        must(parsed.to_string() == pointer, "a pointer is written as RFC 6901 says");
    }
}

void check_sound(const Manifest &manifest) {
    const auto exported = export_manifest(manifest);
    const auto again = parse_manifest(exported.dump());
    must(again && *again == manifest, "an export is the same manifest");
    must(diff_manifests(manifest, *again).empty(), "a manifest does not differ from itself");
    check_errors(not_yet_supported(manifest));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    const auto draft = parse_unchecked(text);
    check_errors(draft.errors);
    const auto manifest = parse_manifest(text);
    must(manifest.has_value() == draft.errors.empty(), "a manifest is had just where there is no error");
    if (manifest)
        check_sound(*manifest);
    return 0;
}
