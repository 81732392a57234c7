#include <fcntl.h>
#include <linux/stat.h>
#include <lmdb.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What Swift's Glibc module lacks, since the headers have it for GNU's own programs only. */

/* O_NOATIME of open(2). */
static const int CLMDBNoAccessTime = __O_NOATIME;

/* statx(2), asked for one thing: how many names the open file has; -1 and errno where it fails. */
static inline long CLMDBNameCount(int descriptor) {
    struct statx status;
    const int emptyPath = 0x1000; /* AT_EMPTY_PATH: the descriptor's own file */
    if (syscall(SYS_statx, descriptor, "", emptyPath, STATX_NLINK, &status) != 0) return -1;
    return status.stx_nlink;
}
