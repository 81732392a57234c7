import Foundation

/// Wall clock and processor time of this process.
struct Stopwatch {
    private let started = ContinuousClock.now
    private let startedCPU = Stopwatch.processorSeconds()

    /// Seconds since it was made.
    var seconds: Double { (ContinuousClock.now - started) / .seconds(1) }

    /// Seconds that all threads of this process ran since it was made.
    var processor: Double { Self.processorSeconds() - startedCPU }

    private static func processorSeconds() -> Double {
        var usage = rusage()
        _ = unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        let user = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
        return user + Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1e6
    }
}

/// What the preloaded `count.c` counts; nil where it is not preloaded.
enum Counters {
    static var allocations: Double? { value("holdfast_bench_allocations") }
    static var syncs: Double? { value("holdfast_bench_syncs") }

    private static func value(_ name: String) -> Double? {
        guard let symbol = unsafe dlsym(nil, name) else { return nil }
        typealias Function = @convention(c) () -> UInt64
        return Double(unsafe unsafeBitCast(symbol, to: Function.self)())
    }
}

/// Gives back to the system what was freed, so that it is not counted as in use.
func trimMemory() {
    guard let symbol = unsafe dlsym(nil, "malloc_trim") else { return }
    typealias Function = @convention(c) (Int) -> Int32
    _ = unsafe unsafeBitCast(symbol, to: Function.self)(0)
}

/// Memory that is this process's own and not page cache, in bytes.
func anonymousMemory() -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    for line in status.split(separator: "\n") where line.hasPrefix("RssAnon:") {
        let digits = line.filter(\.isNumber)
        return (Double(digits) ?? 0) * 1024
    }
    return 0
}

extension [Double] {
    var median: Double {
        guard !isEmpty else { return 0 }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }

    func percentile(_ percent: Double) -> Double {
        guard !isEmpty else { return 0 }
        return sorted()[Swift.min(count - 1, Int(Double(count) * percent / 100))]
    }
}
