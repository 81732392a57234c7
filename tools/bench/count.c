/* Preloaded by tools/bench/run: counts allocations and syncs of the process, for the benchmarks to ask. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t allocations, syncs;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

#define COUNT(counter) __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED)

uint64_t holdfast_bench_allocations(void) { return __atomic_load_n(&allocations, __ATOMIC_RELAXED); }
uint64_t holdfast_bench_syncs(void) { return __atomic_load_n(&syncs, __ATOMIC_RELAXED); }

void *malloc(size_t size) { COUNT(allocations); return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { COUNT(allocations); return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { COUNT(allocations); return __libc_realloc(old, size); }
void *memalign(size_t alignment, size_t size) { COUNT(allocations); return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { COUNT(allocations); return __libc_memalign(alignment, size); }
int posix_memalign(void **result, size_t alignment, size_t size) {
    COUNT(allocations);
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : 12;
}

int fdatasync(int file) {
    static int (*next)(int);
    if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    COUNT(syncs);
    return next(file);
}

int fsync(int file) {
    static int (*next)(int);
    if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    COUNT(syncs);
    return next(file);
}
