#include "tests/netns/faults/fault_file.h"

#include <atomic>
#include <cerrno>
#include <stdexcept>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "controller/util/fd.h"

namespace glb::test {

FaultFile::FaultFile(std::filesystem::path path) : path_(std::move(path)) {
    const Fd fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    void *memory = MAP_FAILED;
    if (fd && ::ftruncate(fd.get(), sizeof(glb_fault_page)) == 0)
        memory = ::mmap(nullptr, sizeof(glb_fault_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED)
        throw std::runtime_error("cannot create the fault page " + path_.string());
    page_ = static_cast<glb_fault_page *>(memory);
}

FaultFile::~FaultFile() {
    ::munmap(page_, sizeof *page_);
}

std::vector<std::string> FaultFile::launcher() const {
    // ASan would refuse to start because its library is not the first one preloaded.
    return {"/usr/bin/env", "ASAN_OPTIONS=verify_asan_link_order=0", "LD_PRELOAD=" GLB_FAULT_LIBRARY,
            GLB_FAULT_VARIABLE "=" + path_.string()};
}

void FaultFile::start(std::uint32_t fail_at, bool persistent, std::uint32_t code, std::uint32_t only) {
    page_->calls = 0;
    page_->failed = 0;
    page_->fail_at = fail_at;
    page_->persistent = persistent;
    page_->code = code;
    page_->only = only;
    page_->where[0] = 0;
    std::atomic_ref(page_->armed).store(1);
}

void FaultFile::arm(std::uint32_t fail_at, bool persistent) {
    start(fail_at, persistent, EIO, 0);
}

void FaultFile::arm_kill(std::uint32_t at) {
    start(at, false, GLB_FAULT_KILL, 0);
}

void FaultFile::arm_links(std::uint32_t fail_at) {
    start(fail_at, false, EIO, GLB_FAULT_LINKS);
}

std::uint32_t FaultFile::disarm() {
    std::atomic_ref(page_->armed).store(0);
    return page_->calls;
}

std::uint32_t FaultFile::failed() const {
    return page_->failed;
}

std::string FaultFile::where() const {
    return page_->where;
}

} // namespace glb::test
