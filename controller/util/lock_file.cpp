#include "controller/util/lock_file.h"

#include <sstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "controller/util/files.h"

namespace glb {

namespace {

/// " (pid N)" of who holds a flock on the file; empty where the kernel does not say. Lines of proc(5)'s
/// /proc/locks: "1: FLOCK  ADVISORY  WRITE 708 00:13:11155 0 EOF", device in hex and inode.
std::string holder_of(const struct stat &file) {
    const auto wanted = fmt::format("{:02x}:{:02x}:{}", major(file.st_dev), minor(file.st_dev), file.st_ino);
    std::istringstream lines(read_file("/proc/locks").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string number, kind, mode, access, pid, place;
        words >> number >> kind >> mode >> access >> pid >> place;
        if (kind == "FLOCK" && place == wanted)
            return fmt::format(" (pid {})", pid);
    }
    return {};
}

/// True where `path` still names the file that `there` describes.
bool is_still(const std::filesystem::path &path, const struct stat &there) {
    struct stat now {};
    return ::stat(path.c_str(), &now) == 0 && now.st_dev == there.st_dev && now.st_ino == there.st_ino;
}

} // namespace

Result<Fd> lock_folder(const std::filesystem::path &folder) {
    for (int left = 10;; --left) { // who had it may take it away between our steps
        GLB_TRY(make_folders(folder, 0700));
        Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        struct stat info {};
        if (!fd || ::fstat(fd.get(), &info) != 0) {
            if (errno == ENOENT && left > 0)
                continue;
            return fail_errno(errno, "cannot open folder {}", folder.string());
        }
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK)
                return fail_errno(errno, "cannot lock folder {}", folder.string());
            return tl::unexpected(Error{
                fmt::format("another process{} has the folder {}", holder_of(info), folder.string()), EBUSY});
        }
        if (is_still(folder, info))
            return fd;
    }
}

} // namespace glb
