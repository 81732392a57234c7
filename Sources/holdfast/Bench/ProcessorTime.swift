import Foundation

/// Seconds of processor time that all threads of this process have taken, as the system counts them: in hundredths.
struct ProcessorTime {
    let user: Double
    let system: Double

    init(user: Double, system: Double) {
        (self.user, self.system) = (user, system)
    }

    /// - Parameter stat: the line of `/proc/PID/stat` (proc_pid_stat(5)); `nil` if it is not one.
    init?(stat: String, ticksPerSecond: Double) {
        // The name of the program stands in parentheses, and may have any of its own.
        guard let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        // Fields 14 and 15, of which the first two were cut off.
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        self.init(user: user / ticksPerSecond, system: system / ticksPerSecond)
    }

    /// What was taken so far; 0 where the system does not say.
    static var now: ProcessorTime {
        let stat = (try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)) ?? ""
        return ProcessorTime(stat: stat, ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))))
            ?? ProcessorTime(user: 0, system: 0)
    }

    static func - (one: ProcessorTime, other: ProcessorTime) -> ProcessorTime {
        ProcessorTime(user: one.user - other.user, system: one.system - other.system)
    }
}
