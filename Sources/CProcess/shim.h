#include <errno.h>
// mallopt(3), which Swift's Glibc module lacks.
#include <malloc.h>
#include <sys/wait.h>

// Waits until a child of this process has ended, and leaves it to be reaped: its process number, or 0 if there is no
// child. `waitid` fills in a union, which Swift can only read unsafely.
static inline pid_t holdfast_await_ended_child(void) {
    siginfo_t info;
    do {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0) return info.si_pid;
    } while (errno == EINTR);
    return 0;
}
