import CProcess
import Foundation

/// What the C library does with memory that the program frees.
enum FreedMemory {
    /// An arena with more bytes free at its end gives them back.
    private static let surplus: Int32 = 16 << 20
    /// Bytes from which on a piece comes from the system for itself, and goes back when it is freed.
    private static let apart: Int32 = 4 << 20

    /// Keeps what a batch has freed for the next one, unless the operator has set how (`GLIBC_TUNABLES`, `MALLOC_…_`).
    ///
    /// The C library begins with 128 KiB for both, and raises them as pieces are freed that it had from the system: until then, and
    /// where these were small, each batch asks for its memory again, as pages that the system clears, and takes away from all
    /// cores at once.
    static func keep() {
        let names = ProcessInfo.processInfo.environment.keys
        guard !names.contains(where: { $0 == "GLIBC_TUNABLES" || $0.hasPrefix("MALLOC_") }) else { return }
        _ = mallopt(M_TRIM_THRESHOLD, surplus)
        _ = mallopt(M_MMAP_THRESHOLD, apart)
    }
}
