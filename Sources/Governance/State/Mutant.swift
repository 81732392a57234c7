#if HOLDFAST_MUTANTS
    internal import Foundation
#endif

/// The rules that a test build can switch off, one at a time, to show that a test notices.
///
/// A refusal is named by the type and the rule (`execution.step/contained`), and where one rule has several parts by the
/// first word of what it was applied to besides (`execution.step/contained/route`); one that comes before the rules of
/// the types by `admission/` and its reason. What such a refusal would refuse is admitted then. Other names are those
/// of what a statement does, or of a check of the replay, written where it is.
///
/// Only a build with `-D HOLDFAST_MUTANTS` reads the environment variable `HOLDFAST_MUTANT`; in every other build
/// nothing is ever off. `tools/mutants.list` lists the names.
enum Mutant {
    #if HOLDFAST_MUTANTS
        private static let switchedOff = ProcessInfo.processInfo.environment["HOLDFAST_MUTANT"]

        static func isOff(_ name: @autoclosure () -> String) -> Bool {
            guard let switchedOff else { return false }
            return switchedOff == name()
        }
    #else
        @inline(__always) static func isOff(_ name: @autoclosure () -> String) -> Bool { false }
    #endif

    /// Whether a check is to pass although it found this.
    static func isOff(_ finding: Finding, check: String) -> Bool {
        #if HOLDFAST_MUTANTS
            guard let switchedOff, switchedOff.hasPrefix("check/\(check)") else { return false }
            let way = switchedOff.dropFirst("check/\(check)".count)
            guard let slash = way.first else { return true }
            guard slash == "/" else { return false }
            if way == "/not-evaluable", case .notEvaluable = finding { return true }
            return finding.detail.contains(way.dropFirst())
        #else
            return false
        #endif
    }

    /// Whether what the error refuses is to be admitted.
    static func isOff(_ error: AdmissionError, type: @autoclosure () -> String?) -> Bool {
        #if HOLDFAST_MUTANTS
            switch error {
            case .storage: return false
            case .rule(let violation) where violation.rule == .frozen: return isOff("admission/frozen")
            case .rule(let violation):
                let name = "\(type() ?? "")/\(violation.reason)"
                let word = violation.subject.prefix { $0 != " " }
                return isOff(name) || isOff("\(name)/\(word)")
            default: return isOff("admission/\(error.reason)")
            }
        #else
            return false
        #endif
    }
}
