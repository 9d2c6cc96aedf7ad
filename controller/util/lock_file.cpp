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

/// " (pid N)" of the process that holds a flock on the file; empty: not listed. A line of /proc/locks
/// (proc(5)): "1: FLOCK  ADVISORY  WRITE 708 00:13:11155 0 EOF", with the device in hex and the inode.
std::string lock_holder(const struct stat &file) {
    const auto id = fmt::format("{:02x}:{:02x}:{}", major(file.st_dev), minor(file.st_dev), file.st_ino);
    std::istringstream lines(read_file("/proc/locks").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string number, kind, mode, access, pid, file_id;
        fields >> number >> kind >> mode >> access >> pid >> file_id;
        if (kind == "FLOCK" && file_id == id)
            return fmt::format(" (pid {})", pid);
    }
    return {};
}

/// True if `path` still refers to the file that `opened` describes.
bool refers_to(const std::filesystem::path &path, const struct stat &opened) {
    struct stat now {};
    return ::stat(path.c_str(), &now) == 0 && now.st_dev == opened.st_dev && now.st_ino == opened.st_ino;
}

} // namespace

Result<Fd> lock_folder(const std::filesystem::path &folder) {
    for (int attempts = 10;; --attempts) { // the previous holder may remove it between two steps
        GLB_TRY(make_folders(folder, 0700));
        Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        struct stat info {};
        if (!fd || ::fstat(fd.get(), &info) != 0) {
            if (errno == ENOENT && attempts > 0)
                continue;
            return fail_errno(errno, "cannot open directory {}", folder.string());
        }
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK)
                return fail_errno(errno, "cannot lock directory {}", folder.string());
            return tl::unexpected(Error{fmt::format("directory {} is in use by another process{}",
                                                    folder.string(), lock_holder(info)),
                                        EBUSY});
        }
        if (refers_to(folder, info))
            return fd;
    }
}

} // namespace glb
