#include "tests/unit/datapath/fake_objects.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <thread>

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

namespace glb::test {

namespace {

std::map<ino_t, FakeObject *> &objects() {
    static std::map<ino_t, FakeObject *> all;
    return all;
}

} // namespace

FakeObject::FakeObject(std::size_t bytes) : fd_(::memfd_create("fake BPF object", MFD_CLOEXEC)) {
    static std::uint32_t last_id = 0;
    id_ = ++last_id;
    struct stat info {};
    if (::ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0 || ::fstat(fd_.get(), &info) != 0)
        std::abort();
    inode_ = info.st_ino;
    objects()[inode_] = this;
}

FakeObject::~FakeObject() {
    objects().erase(inode_);
}

Fd FakeObject::duplicate() const {
    return Fd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 3));
}

FakeObject *FakeObject::find(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) == 0)
        if (const auto found = objects().find(info.st_ino); found != objects().end())
            return found->second;
    errno = EBADF;
    return nullptr;
}

FakeObject *FakeObject::find_id(std::uint32_t id) {
    for (const auto &[inode, object] : objects())
        if (object->id() == id)
            return object;
    errno = ENOENT;
    return nullptr;
}

bool Operations::begin(const std::string &name) {
    if (const auto action = take_action(name))
        action();
    const std::lock_guard lock(mutex_);
    if (until_failure_ > 1) {
        --until_failure_;
    } else if (until_failure_ == 1) {
        if (--failures_ == 0)
            until_failure_ = 0;
        errno = code_;
        return false;
    }
    done_.push_back(name);
    return true;
}

std::function<void()> Operations::take_action(const std::string &name) {
    const std::lock_guard lock(mutex_);
    const auto found = actions_.extract(name);
    return found.empty() ? std::function<void()>{} : found.mapped();
}

void Operations::before(const std::string &name, std::function<void()> action) {
    const std::lock_guard lock(mutex_);
    actions_[name] = std::move(action);
}

void Operations::fail(std::size_t nth, int code, std::size_t count) {
    const std::lock_guard lock(mutex_);
    until_failure_ = nth;
    failures_ = count;
    code_ = code;
}

bool Operations::fails_later() const {
    const std::lock_guard lock(mutex_);
    return until_failure_ != 0;
}

std::vector<std::string> Operations::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
}

void Operations::reset() {
    const std::lock_guard lock(mutex_);
    done_.clear();
    actions_.clear();
    until_failure_ = 0;
    ids_allowed() = true;
    open_failures().clear();
}

Operations &operations() {
    static Operations all;
    return all;
}

std::map<std::string, int> &open_failures() {
    static std::map<std::string, int> all;
    return all;
}

bool &ids_allowed() {
    static bool allowed = true;
    return allowed;
}

} // namespace glb::test

using namespace glb::test;

extern "C" {

// A pin is a regular file that contains the object's id.
int bpf_obj_pin(int fd, const char *path) {
    const auto *object = FakeObject::find(fd);
    if (!object || !operations().begin("pin " + std::string(path).substr(std::string(path).rfind('/') + 1)))
        return -1;
    const glb::Fd file(::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const auto text = std::to_string(object->id());
    return file && ::write(file.get(), text.data(), text.size()) > 0 ? 0 : -1;
}

int bpf_obj_get(const char *path) {
    if (const auto found = open_failures().find(path); found != open_failures().end()) {
        errno = found->second;
        return -1;
    }
    std::ifstream file(path);
    std::uint32_t id = 0;
    if (!(file >> id)) {
        errno = file.is_open() ? EACCES : ENOENT; // as for a file that is no pin
        return -1;
    }
    const auto *object = FakeObject::find_id(id);
    return object ? object->duplicate().release() : -1;
}

int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *size) {
    const auto *object = FakeObject::find(fd);
    if (!object)
        return -1;
    alignas(8) std::byte all[512]{}; // the caller may expect an object of another kind
    std::memcpy(all, info, *size);
    object->read_info(all);
    std::memcpy(info, all, *size);
    return 0;
}

int bpf_map_get_fd_by_id(__u32 id) {
    if (!ids_allowed()) {
        errno = EPERM;
        return -1;
    }
    const auto *object = FakeObject::find_id(id);
    return object ? object->duplicate().release() : -1;
}

// The linker calls these for syscall(2) (--wrap): membarrier(2) is a grace period.
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
    va_list arguments;
    va_start(arguments, number);
    long values[6];
    for (auto &value : values)
        value = va_arg(arguments, long);
    va_end(arguments);
    if (number != SYS_membarrier)
        return __real_syscall(number, values[0], values[1], values[2], values[3], values[4], values[5]);
    std::this_thread::sleep_for(
        std::chrono::milliseconds(5)); // as long as the kernel: who does not wait is late
    return operations().begin("grace period") ? 0 : -1;
}

} // extern "C"
