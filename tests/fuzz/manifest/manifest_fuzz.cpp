// parse_manifest() with arbitrary input: terminates, errors have a pointer and a message, and what it accepts
// can be exported.
#include "controller/config/exporter.h"
#include "controller/config/manifest_diff.h"
#include "controller/config/object_reader.h"
#include "controller/config/unsupported_features.h"
#include "tests/fuzz/must.h"

namespace {

using namespace glb;
using namespace glb::config;
using fuzz::must;

void check_errors(const std::vector<ManifestError> &errors) {
    must(errors.size() <= max_manifest_errors, "the number of errors is limited");
    for (const auto &[pointer, message] : errors) {
        must(!message.empty(), "an error has a message");
        must(pointer.empty() || pointer.front() == '/', "an error has an RFC 6901 pointer");
        const nlohmann::json::json_pointer parsed(pointer); // throws, which ends the run
        must(parsed.to_string() == pointer, "a pointer is formatted as in RFC 6901");
    }
}

void check_valid(const Manifest &manifest) {
    const auto exported = export_manifest(manifest);
    const auto parsed = parse_manifest(exported.dump());
    must(parsed && *parsed == manifest, "an export parses back into an equal manifest");
    must(diff_manifests(&manifest, *parsed).empty(), "a manifest does not differ from itself");
    check_errors(unsupported_features(manifest));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    const auto unchecked = parse_unchecked(text);
    check_errors(unchecked.errors);
    const auto manifest = parse_manifest(text);
    must(manifest.has_value() == unchecked.errors.empty(),
         "a manifest is returned exactly if there is no error");
    if (manifest)
        check_valid(*manifest);
    return 0;
}
