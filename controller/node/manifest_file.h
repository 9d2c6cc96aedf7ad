// The file that --manifest names: it counts where no manifest was ever applied, and at SIGHUP.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "controller/util/files.h"

namespace glb {

struct ManifestFile {
    std::filesystem::path path;
    Result<std::string> text; ///< or why it cannot be read, which matters only where it is needed
};

[[nodiscard]] inline ManifestFile read_manifest_file(std::filesystem::path path) {
    auto text = read_file(path);
    return {std::move(path), std::move(text)};
}

} // namespace glb
