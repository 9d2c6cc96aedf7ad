/*
 * Preloaded into glbd by a test. Makes a selected call fail that changes the kernel (bpf(2), netlink) or the
 * state folder. The program under test is the unmodified production binary.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/netns/faults/fault_page.h"

static struct glb_fault_page *page(void) {
    static struct glb_fault_page *mapped;
    if (mapped)
        return mapped;
    const char *file = getenv(GLB_FAULT_VARIABLE);
    const int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return NULL;
    void *memory = mmap(NULL, sizeof(struct glb_fault_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    mapped = memory == MAP_FAILED ? NULL : memory;
    return mapped;
}

static int inject_fault(const char *what, long detail, uint32_t kind) {
    struct glb_fault_page *fault = page();
    if (!fault || !__atomic_load_n(&fault->armed, __ATOMIC_ACQUIRE) || (fault->only && fault->only != kind))
        return 0;
    const uint32_t number = __atomic_add_fetch(&fault->calls, 1, __ATOMIC_RELAXED);
    if (!fault->fail_at || number < fault->fail_at || (number > fault->fail_at && !fault->persistent))
        return 0;
    fault->failed++;
    snprintf(fault->where, sizeof fault->where, "%s %ld", what, detail);
    if (fault->code == GLB_FAULT_KILL)
        kill(getpid(), SIGKILL);
    errno = (int)fault->code;
    return 1;
}

static int is_modifying(long command) {
    switch (command) {
    case BPF_MAP_CREATE:
    case BPF_MAP_UPDATE_ELEM:
    case BPF_MAP_DELETE_ELEM:
    case BPF_MAP_UPDATE_BATCH:
    case BPF_PROG_LOAD:
    case BPF_OBJ_PIN:
    case BPF_LINK_CREATE:
    case BPF_LINK_UPDATE:
    case BPF_LINK_DETACH:
        return 1;
    default:
        return 0;
    }
}

/* libc has no wrapper for bpf(2), so all of libbpf's calls go through syscall(). */
long syscall(long number, ...) {
    static long (*real)(long, ...);
    if (!real)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    va_list list;
    va_start(list, number);
    long a[6];
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if ((number == SYS_bpf && is_modifying(a[0])) || number == SYS_membarrier)
        if (inject_fault(number == SYS_bpf ? "bpf" : "membarrier", a[0],
                         number == SYS_bpf && a[0] == BPF_LINK_UPDATE ? GLB_FAULT_LINKS : 0))
            return -1;
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int has_option(int fd, int option, int wanted) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 && value == wanted;
}

static int is_netlink(int fd) {
    return has_option(fd, SO_DOMAIN, AF_NETLINK);
}

ssize_t sendto(int fd, const void *data, size_t bytes, int flags, const struct sockaddr *to,
               socklen_t length) {
    static ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    if (!real)
        real = (ssize_t(*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))dlsym(
            RTLD_NEXT, "sendto");
    /* NETLINK_ROUTE only: libnftables 1.0.6 crashes if the sendto() that fetches its cache fails. */
    return is_netlink(fd) && has_option(fd, SO_PROTOCOL, NETLINK_ROUTE) && inject_fault("netlink", fd, 0)
               ? -1
               : real(fd, data, bytes, flags, to, length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    static ssize_t (*real)(int, const struct msghdr *, int);
    if (!real)
        real = (ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
    return is_netlink(fd) && inject_fault("netlink message", fd, 0) ? -1 : real(fd, message, flags);
}

int rename(const char *from, const char *to) {
    static int (*real)(const char *, const char *);
    if (!real)
        real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    return inject_fault("rename", 0, 0) ? -1 : real(from, to);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return inject_fault("fsync", fd, 0) ? -1 : real(fd);
}
