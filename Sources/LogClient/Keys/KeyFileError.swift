/// Why a key file was not read or not written. The path is the one the caller gave.
public enum KeyFileError: Error, Sendable, Hashable {
    /// There is a file at this path already; a key file is never overwritten.
    case exists(path: String)
    /// The system refused to open, read or write the file, for the reason it gives.
    case system(path: String, reason: String)
    /// The path leads to something other than a regular file.
    case notAFile(path: String)
    /// Others than the owner may read or write the secret key: the mode has bits below 0700 set.
    case tooWide(path: String, mode: UInt32)
    /// The secret key belongs to another user than the one who runs this.
    case notOwned(path: String, owner: UInt32, user: UInt32)
    /// A secret key was expected, and this is a public key.
    case publicNotSecret(path: String)
    /// The content is not a key file, for the reason given (which never quotes the content).
    case malformed(path: String, reason: String)
    /// The public key on the line is not the one that the seed gives: the file is damaged.
    case damaged(path: String)
}
