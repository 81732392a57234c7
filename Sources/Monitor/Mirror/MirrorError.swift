public import Tlog

/// Why a copy of a log was not brought to a newer state. What could be read of the copy before can be read after it.
public enum MirrorError: NamedFailure, Hashable {
    /// Another process writes to the directory.
    case locked(path: String)
    /// The file system refused.
    case system(path: String, why: String)
    /// The directory holds a copy that the new checkpoint does not continue.
    case otherLog(path: String, why: String)
    /// The source's checkpoint is none to go on from.
    case noCheckpoint(why: String)
    /// The source does not have what its checkpoint demands.
    case missing(path: String)
    /// The source has something else than its checkpoint demands.
    case mismatch(path: String, why: String)
    /// The log shows a tree that does not continue the one that was copied. Both checkpoints are kept.
    case forked(old: TreeHead, new: TreeHead, kept: String, why: String)

    public var reason: String {
        switch self {
        case .locked: "mirror-locked"
        case .system: "mirror-system"
        case .otherLog: "mirror-other-log"
        case .noCheckpoint: "source-checkpoint"
        case .missing: "source-missing"
        case .mismatch: "source-mismatch"
        case .forked: "log-forked"
        }
    }
}

extension MirrorError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .locked(let path): "another process is writing to \(path)"
        case .system(let path, let why): "the path \(path) can't be used: \(why)"
        case .otherLog(let path, let why): "what is in \(path) is of something else: \(why)"
        case .noCheckpoint(let why): "the mirror's checkpoint is not one to go on from: \(why)"
        case .missing(let path): "the source has no \(path), and its checkpoint demands it"
        case .mismatch(let path, let why): "the source's \(path) is not what its checkpoint demands: \(why)"
        case .forked(let old, let new, let kept, let why):
            "the log shows a tree of \(new.size) entries with root \(new.root), which does not continue the one of "
                + "\(old.size) with root \(old.root) that was copied (\(why)); what it showed is in \(kept)"
        }
    }
}
