internal import CLMDB
internal import Glibc

/// One write at a time within the process. LMDB has such a lock of its own, but a thread that takes that one twice
/// waits for ever; this one says so.
///
/// `@unchecked`: the pointer never changes, and what it points to is a mutex, made for use by many threads.
@safe
final class WriterLock: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        unsafe mutex = .allocate(capacity: 1)
        var attributes = pthread_mutexattr_t()
        var failed = unsafe pthread_mutexattr_init(&attributes)
        failed |= unsafe pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ERRORCHECK))
        failed |= unsafe pthread_mutex_init(mutex, &attributes)
        unsafe pthread_mutexattr_destroy(&attributes)
        precondition(failed == 0, "the system cannot make a mutex")
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    func lock() throws(LMDBError) {
        let code = unsafe pthread_mutex_lock(mutex)
        guard code != EDEADLK else {
            throw LMDBError(MDB_BAD_TXN, "write", message: "a write was begun inside a write of the same thread")
        }
        try LMDBError.check(code, "pthread_mutex_lock")
    }

    func unlock() {
        let code = unsafe pthread_mutex_unlock(mutex)
        precondition(code == 0, "a write ended on another thread than it began")
    }
}
