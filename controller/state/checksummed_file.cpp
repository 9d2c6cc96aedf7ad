#include "controller/state/checksummed_file.h"

#include <array>

#include <fcntl.h>
#include <openssl/sha.h>
#include <unistd.h>

#include "controller/util/fd.h"
#include "controller/util/files.h"

namespace glb::state {

namespace fs = std::filesystem;

namespace {

std::string header_of(std::string_view content) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    ::SHA256(reinterpret_cast<const unsigned char *>(content.data()), content.size(), digest.data());
    // "glb-kept 1" is the format version of existing state folders.
    return fmt::format("glb-kept 1 {} {:02x}\n", content.size(), fmt::join(digest, ""));
}

/// The verified content; ENOENT if there is no file.
Result<std::string> read_verified(const fs::path &path) {
    GLB_ASSIGN(std::string bytes, read_file(path));
    if (bytes.empty())
        return fail("{} is empty", path.string());
    const auto line_end = bytes.find('\n');
    const auto header_size = line_end == std::string::npos ? bytes.size() : line_end + 1;
    const auto content = std::string_view(bytes).substr(header_size);
    if (std::string_view(bytes).substr(0, header_size) != header_of(content))
        return fail("{} is truncated or damaged", path.string());
    return std::string(content);
}

Status sync_folder(const fs::path &folder) {
    Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0)
        return fail_errno(errno, "cannot sync directory {}", folder.string());
    return {};
}

tl::unexpected<Error> with_fix(Error error, const fs::path &folder) {
    error.message += "; the previous content is unchanged; " + write_error_hint(error.code, folder);
    return tl::unexpected(std::move(error));
}

/// Makes `target` a hard link to `file`, replacing what exists.
Status replace_with_link(const fs::path &file, const fs::path &target) {
    const std::string temporary = target.string() + ".new";
    ::unlink(temporary.c_str());
    if (::link(file.c_str(), temporary.c_str()) != 0)
        return fail_errno(errno, "cannot create {}", temporary);
    if (::rename(temporary.c_str(), target.c_str()) != 0) {
        const int code = errno;
        ::unlink(temporary.c_str());
        return fail_errno(code, "cannot replace {}", target.string());
    }
    return {};
}

Status unlink_if_exists(const fs::path &path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail_errno(errno, "cannot remove {}", path.string());
    return {};
}

} // namespace

Status ChecksummedFile::save(std::string_view content) const {
    const auto next = sibling(".next");
    const auto replace = [&]() -> Status {
        // Everything that needs disk space is written before the first rename.
        GLB_TRY(write_file_atomically(next, header_of(content).append(content), 0600));
        if (read_verified(path_)) // a damaged file must not replace the last valid generation
            GLB_TRY(replace_with_link(path_, sibling(".previous")));
        if (::rename(next.c_str(), path_.c_str()) != 0)
            return fail_errno(errno, "cannot replace {}", path_.string());
        return {};
    };
    if (auto replaced = replace(); !replaced) {
        ::unlink(next.c_str());
        return with_fix(std::move(replaced).error(), path_.parent_path());
    }
    return sync_folder(path_.parent_path());
}

LoadedFile ChecksummedFile::load() const {
    auto current = read_verified(path_);
    if (current)
        return {std::move(*current), {}};
    auto previous = read_verified(sibling(".previous"));
    if (previous)
        return {std::move(*previous), fmt::format("{}: using the previous copy {}", current.error().message,
                                                  sibling(".previous").string())};
    if (current.error().code == ENOENT && previous.error().code == ENOENT)
        return {};
    return {std::nullopt, fmt::format("{}; {}", current.error().message, previous.error().message)};
}

Status ChecksummedFile::remove() const {
    GLB_TRY(unlink_if_exists(sibling(".previous")));
    GLB_TRY(unlink_if_exists(path_));
    return sync_folder(path_.parent_path());
}

} // namespace glb::state
