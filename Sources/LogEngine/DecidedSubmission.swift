internal import COSE
internal import Tlog

/// A submission that is decided: each of its statements was refused, or has its place under a published head. What is
/// registered is not proved yet: ``Log/registrations(_:)`` does that, for any number of submissions at once.
public struct DecidedSubmission: Sendable {
    private let intake: [IntakeResult]
    /// What the writer says; nil where no statement reached it.
    private let answer: GroupAnswer?
    let room: Room

    init(_ intake: [IntakeResult], _ answer: GroupAnswer?, _ room: Room) {
        self.intake = intake
        self.answer = answer
        self.room = room
    }

    /// None of so many statements was even read.
    static func refused(_ statements: Int, _ rejection: Rejection) -> DecidedSubmission {
        DecidedSubmission(
            Array(repeating: .rejected(rejection), count: statements), nil, Room(statements: 0, bytes: 0))
    }

    /// The head that covers every placement; nil where the writer decided nothing, and the newest one does.
    var head: PublishedHead? {
        if case .decided(_, let head) = answer { head } else { nil }
    }

    /// Whether any of its statements has its place, and so is to be proved.
    var isAnyRegistered: Bool {
        if case .decided(let outcomes, _) = answer {
            for case .success in outcomes { return true }
        }
        for case .known in intake { return true }
        return false
    }

    /// One a statement, in their order: the writer's answer put to those that reached it.
    ///
    /// - Parameter register: what is answered to a statement that has its place.
    func results(
        _ register: (Place) throws -> Result<Registration, Rejection>
    ) rethrows -> [Result<Registration, Rejection>] {
        var decided: ArraySlice<Result<Placement, Rejection>> = []
        var refusal = Rejection(.stopped, "the log gave no answer")
        switch answer {
        case .decided(let outcomes, _): decided = outcomes[...]
        case .refused(let rejection): refusal = rejection
        case nil: break
        }
        return try intake.map { result in
            switch result {
            case .known(let placement, let leafHash):
                return try register(Place(placement: placement, leafHash: leafHash))
            case .rejected(let rejection): return .failure(rejection)
            case .verified(let submission):
                switch decided.popFirst() ?? .failure(refusal) {
                case .success(let placement):
                    return try register(Place(placement: placement, leafHash: submission.statement.leafHash))
                case .failure(let rejection): return .failure(rejection)
                }
            }
        }
    }

    /// Where one statement is.
    struct Place {
        let placement: Placement
        let leafHash: Hash
    }
}

/// What a submission takes of what may be in flight.
struct Room: Sendable, Hashable {
    var statements: Int
    var bytes: Int
}
