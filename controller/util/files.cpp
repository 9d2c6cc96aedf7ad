#include "controller/util/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/util/fd.h"

namespace glb {

Result<std::string> read_file(const std::filesystem::path &path, std::size_t max_bytes) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd)
        return fail_errno(errno, "cannot open {}", path.string());
    std::string content;
    char chunk[65536];
    for (;;) {
        const ssize_t got = ::read(fd.get(), chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(errno, "cannot read {}", path.string());
        if (got == 0)
            return content;
        if (content.size() + static_cast<std::size_t>(got) > max_bytes)
            return fail("{} is larger than {} bytes", path.string(), max_bytes);
        content.append(chunk, static_cast<std::size_t>(got));
    }
}

namespace {

Status write_all(int fd, std::string_view content, const std::string &name) {
    while (!content.empty()) {
        const ssize_t put = ::write(fd, content.data(), content.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail_errno(errno, "cannot write {}", name);
        content.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(fd) != 0)
        return fail_errno(errno, "cannot sync {}", name);
    return {};
}

} // namespace

Status write_file_atomically(const std::filesystem::path &path, std::string_view content, unsigned mode) {
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const std::string temporary = path.string() + ".new";
    {
        Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
        if (!fd)
            return fail_errno(errno, "cannot create {}", temporary);
        if (auto written = write_all(fd.get(), content, temporary); !written) {
            ::unlink(temporary.c_str());
            return written;
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        const int code = errno;
        ::unlink(temporary.c_str());
        return fail_errno(code, "cannot replace {}", path.string());
    }
    Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0)
        return fail_errno(errno, "cannot sync directory {}", folder.string());
    return {};
}

std::string write_error_hint(int code, const std::filesystem::path &folder) {
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        return fmt::format("free space on the file system of {} and retry", folder.string());
    case EFBIG:
        return "raise the file size limit (ulimit -f, or LimitFSIZE of the service) and retry";
    case EROFS:
        return fmt::format("remount the file system of {} read-write and retry", folder.string());
    case EACCES:
    case EPERM:
        return fmt::format("grant this user write access to {} and retry", folder.string());
    default:
        return fmt::format("check {} and retry", folder.string());
    }
}

Status make_folders(const std::filesystem::path &path, unsigned mode) {
    std::error_code code;
    if (std::filesystem::is_directory(path, code))
        return {};
    if (path.has_parent_path())
        GLB_TRY(make_folders(path.parent_path(), mode));
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
        return fail_errno(errno, "cannot create directory {}", path.string());
    return {};
}

} // namespace glb
