import Foundation
import SystemPackage

/// Why the system refused something with a file, in its own words ("Permission denied").
package enum SystemReason {
    /// Foundation wraps the system's reason; its own description of it is for dialogs, with more sentences than facts.
    package static func text(_ error: any Error) -> String {
        if let error = error as? Errno { return "\(error)" }
        guard let cocoa = error as? CocoaError else { return error.localizedDescription }
        switch cocoa.underlying ?? cocoa {
        case let posix as POSIXError: return "\(Errno(rawValue: posix.code.rawValue))"
        case let underlying as NSError where underlying.domain == NSPOSIXErrorDomain:
            return "\(Errno(rawValue: CInt(truncatingIfNeeded: underlying.code)))"
        default: return error.localizedDescription
        }
    }
}
