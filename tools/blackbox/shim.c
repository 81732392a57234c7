/* Preloaded by tools/blackbox/test_order.py, test_witness.py and test_disk_faults.py: writes down the order in which data is
 * written and synced, the anchor moves, heads are signed and answers leave. With HOLDFAST_SHIM_NOSYNC=1 it opens LMDB with
 * MDB_NOSYNC and does not sync a journal, so that the checks can be seen to fail. Log lines: "<what> <detail>".
 *
 * HOLDFAST_SHIM_FAULT names a file. While it is there and says "<what> <detail>: EIO", or ENOSPC, or EDQUOT, what begins so
 * fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int log_fd(void) {
    static int fd = -2;
    if (fd == -2) {
        const char *path = getenv("HOLDFAST_SHIM_LOG");
        fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    }
    return fd;
}

static void note(const char *format, ...) {
    int fd = log_fd();
    if (fd < 0) return;
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    if (length > (int)sizeof line - 2) length = sizeof line - 2;
    line[length] = '\n';
    syscall(SYS_write, fd, line, (size_t)length + 1);
}

/* "data", "journal-1", "journal-2", "anchor", "socket" or NULL. */
static const char *kind(int fd) {
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode)) return "socket";
    char link[64], path[1024];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    if (strstr(path, "data.mdb")) return "data";
    if (length > 10 && !strcmp(path + length - 10, "/journal-1")) return "journal-1";
    if (length > 10 && !strcmp(path + length - 10, "/journal-2")) return "journal-2";
    if (strstr(path, "anchor")) return "anchor";
    return NULL;
}

/* Whether the fault of the moment is meant: errno is then set. */
static int fails(const char *what, const char *detail) {
    const char *path = getenv("HOLDFAST_SHIM_FAULT");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    char fault[64], call[64];
    ssize_t length = read(fd, fault, sizeof fault - 1);
    close(fd);
    fault[length > 0 ? length : 0] = 0;
    char *error = strstr(fault, ": ");
    if (!error) return 0;
    snprintf(call, sizeof call, "%s %s", what, detail);
    if (strncmp(call, fault, (size_t)(error - fault))) return 0;
    note("failed %s", call);
    errno = strstr(error, "ENOSPC") ? ENOSPC : strstr(error, "EDQUOT") ? EDQUOT : EIO;
    return 1;
}

/* Writes a write down, unless it is to fail; -1 if it is. */
static int note_write(int fd, const void *bytes, size_t count) {
    const char *what = kind(fd);
    if (!what) return 0;
    if (!strcmp(what, "socket")) {
        if (count > 12 && (!memcmp(bytes, "HTTP/1.1 201", 12) || !memcmp(bytes, "HTTP/1.1 200", 12)))
            note("answer %.12s", (const char *)bytes);
        return 0;
    }
    const char *call = fcntl(fd, F_GETFL) & O_DSYNC ? "write-through" : "write";
    if (fails(call, what)) return -1;
    note("%s %s", call, what);
    return 0;
}

#define REAL(result, name, ...) static result (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (note_write(fd, bytes, count)) return -1;
    return real(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    if (note_write(fd, bytes, count)) return -1;
    return real(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
    if (note_write(fd, bytes, count)) return -1;
    return real(fd, bytes, count, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (count > 0 && note_write(fd, parts[0].iov_base, parts[0].iov_len)) return -1;
    return real(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
    if (count > 0 && note_write(fd, parts[0].iov_base, parts[0].iov_len)) return -1;
    return real(fd, parts, count, at);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags) {
    REAL(ssize_t, "send", int, const void *, size_t, int);
    if (note_write(fd, bytes, count)) return -1;
    return real(fd, bytes, count, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(ssize_t, "sendmsg", int, const struct msghdr *, int);
    if (message->msg_iovlen > 0) (void)note_write(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    return real(fd, message, flags);
}

static int forced_nosync(void) {
    const char *nosync = getenv("HOLDFAST_SHIM_NOSYNC");
    return nosync && *nosync == '1';
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    const char *what = kind(fd);
    if (what && !strncmp(what, "journal", 7) && forced_nosync()) return 0;
    if (what && fails("sync", what)) return -1;
    int result = real(fd);
    if (what && result == 0) note("sync %s", what);
    return result;
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    const char *what = kind(fd);
    if (what && fails("sync", what)) return -1;
    int result = real(fd);
    if (what && result == 0) note("sync %s", what);
    return result;
}

int msync(void *address, size_t length, int flags) {
    REAL(int, "msync", void *, size_t, int);
    int result = real(address, length, flags);
    if (result == 0) note("sync data");
    return result;
}

/* A receipt's protected header holds label 395 (CBOR 19 01 8b); a checkpoint is text with three lines. */
static void note_signature(const unsigned char *message, unsigned long long length) {
    static const unsigned char vds[3] = {0x19, 0x01, 0x8b};
    if (memmem(message, length, vds, sizeof vds)) note("sign receipt");
    else if (memmem(message, length, "Signature1", 10)) note("sign statement");
    else note("sign checkpoint");
}

int crypto_sign_detached(unsigned char *signature, unsigned long long *signature_length, const unsigned char *message,
                         unsigned long long length, const unsigned char *key) {
    REAL(int, "crypto_sign_detached", unsigned char *, unsigned long long *, const unsigned char *, unsigned long long,
         const unsigned char *);
    note_signature(message, length);
    return real(signature, signature_length, message, length, key);
}

int crypto_sign_ed25519_detached(unsigned char *signature, unsigned long long *signature_length,
                                 const unsigned char *message, unsigned long long length, const unsigned char *key) {
    REAL(int, "crypto_sign_ed25519_detached", unsigned char *, unsigned long long *, const unsigned char *,
         unsigned long long, const unsigned char *);
    note_signature(message, length);
    return real(signature, signature_length, message, length, key);
}

int mdb_env_open(void *environment, const char *path, unsigned int flags, mode_t mode) {
    REAL(int, "mdb_env_open", void *, const char *, unsigned int, mode_t);
    if (forced_nosync()) flags |= 0x10000; /* MDB_NOSYNC */
    return real(environment, path, flags, mode);
}
