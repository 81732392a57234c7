import Monitor

/// Words for what goes wrong with a copy of a log.
extension Wording {
    static func mirror(_ error: MirrorError) -> Failure {
        let text = sentence(Terminal.visible(error.description))
        return switch error {
        case .locked: Failure(.refused, text, hint: "One process writes a mirror; any number may read it.")
        case .system: Failure(.refused, text)
        case .otherLog:
            Failure(.refused, text, hint: "Name a directory that does not exist yet, or an older copy of this log.")
        case .noCheckpoint:
            Failure(.refused, text, hint: "Name the trust file of the log that was mirrored, or another mirror.")
        case .missing, .mismatch:
            Failure(
                .refused, text,
                hints: [
                    "Nothing of it was taken over; the copy is as it was.",
                    "If it happens again, what the log serves is damaged, or it serves what it did not sign.",
                ])
        case .forked:
            Failure(
                .refused, text,
                hints: [
                    "The copy is as it was. The two checkpoints, signed by one key, prove that the log shows two "
                        + "histories: keep them, and tell everybody who relies on the log."
                ])
        }
    }

    static func acceptedHead(_ error: AcceptedHeadError) -> Failure {
        let hint = "Name a directory that does not exist yet, or an older copy of the log that the trust file is for."
        return Failure(.refused, sentence(Terminal.visible(error.description)), hint: hint)
    }

    /// The same of a restoration, which has no older copy.
    static func restore(_ error: MirrorError) -> Failure {
        switch error {
        case .missing, .mismatch:
            Failure(
                .refused, sentence(Terminal.visible(error.description)),
                hint: "Nothing was restored. What else is damaged: holdfast audit. Or name another mirror.")
        default: mirror(error)
        }
    }
}
