/// The name of a log: the first line of its checkpoints.
///
/// Stricter than tlog-checkpoint, where the origin may be any non-empty line and only "SHOULD be a schema-less URL
/// containing neither Unicode spaces nor plus": here it must be usable as the name of the log's key, because that is
/// how a checkpoint's signature is found. Compared by bytes.
public struct Origin: Sendable, Hashable, CustomStringConvertible {
    /// The key name that the log signs under: the same text.
    public let keyName: KeyName

    public init(_ text: String) throws(CheckpointError) {
        do { keyName = try KeyName(text) } catch { throw .origin(error) }
    }

    public var text: String { keyName.text }
    public var description: String { text }
}
