internal import Glibc

/// A call of the operating system that failed.
public struct SystemCallError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The system's errno.
    public let code: Int32
    /// The call, such as `open`.
    public let call: String
    /// What it was called on.
    public let path: String

    init(_ call: String, _ path: String, code: Int32 = errno) {
        self.code = code
        self.call = call
        self.path = path
    }

    public var description: String {
        let words = unsafe String(cString: strerror(code))
        return "\(call) \(path): \(words) (\(code))"
    }
}
