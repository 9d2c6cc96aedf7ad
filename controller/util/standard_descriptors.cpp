#include "controller/util/standard_descriptors.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace glb {

bool open_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF)
            continue;
        // open() returns the lowest free number, which is `fd`: those below are open. Without /dev/null any
        // placeholder will do; reads and writes of an O_PATH descriptor fail.
        int opened = ::open("/dev/null", O_RDWR | O_NOCTTY);
        if (opened < 0)
            opened = ::open("/", O_PATH | O_DIRECTORY);
        if (opened != fd)
            return false;
    }
    return true;
}

} // namespace glb
