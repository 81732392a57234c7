internal import COSE
internal import Tlog

/// Profile `synchronization`, EG-PROTOCOL-001.
extension Evaluator {
    /// P1: "the subject runtime's statement streams have no gap and no fork, and its newest statement is younger than
    /// `maxSilence`". Gaps and forks are never admitted, so what is left to ask is when it was heard of last.
    func runtimeContinuity() throws(Finding) -> String {
        let subject = request.access.subject
        var newest: UInt64?
        if let record = try ofSubject(.heartbeat(subject), HeartbeatRecord.self) { newest = record.time }
        if let record = try ofSubject(.attestation(subject), AttestationRecord.self) {
            newest = max(newest ?? 0, record.time)
        }
        if let record = try ofSubject(.telemetry(subject), TelemetryRecord.self) {
            newest = max(newest ?? 0, record.until)
        }
        guard let newest else {
            throw .notEvaluable("\(subject) has never been heard of", mend: "let the runtime attest itself")
        }
        let age = try age(of: newest, "the runtime's newest statement")
        guard age <= bounds.maxSilence else {
            throw .failed(
                .synchronizationInterrupted,
                "\(subject) has been silent for \(age) ms; the policy allows \(bounds.maxSilence)",
                mend: "let the runtime send a heartbeat")
        }
        return "heard of \(age) ms ago"
    }

    /// P2: "the policy digest that the request names is the digest of the policy in force at the head".
    func policyCoordination() throws(Finding) -> String {
        _ = try? state.value(.policy)
        guard let named = request.policy else {
            throw .notEvaluable("the request names no policy", mend: "name the policy in force")
        }
        guard named == rules.policy.digest else {
            throw .failed(
                .governanceMismatch, "the request names the policy \(named); in force is \(rules.policy.digest)",
                mend: "read the policy in force and ask again")
        }
        return "\(named)"
    }

    /// P3: "the policy in force has an open route from the request's origin domain to its target domain for the action
    /// asked". A request without a route stays in this domain, where nothing has to be routed.
    func routing() throws(Finding) -> String {
        guard let route = request.route else { return "within \(origin)" }
        do throws(AdmissionError) {
            try fold.checkOpen(route, for: request.access.action)
        } catch {
            throw Finding(error, .routingMismatch)
        }
        return route
    }

    /// P4: "the runtime's newest attestation is in its enrolment's allowed measurements and younger than
    /// `maxAttestationAge`".
    func runtimeIntegrity() throws(Finding) -> String {
        let subject = request.access.subject
        guard let attestation = try ofSubject(.attestation(subject), AttestationRecord.self) else {
            throw .notEvaluable("\(subject) has not attested itself", mend: "register runtime.attest")
        }
        let keys = isForeign ? try view().keys(of: subject) : rules.keys
        let enrolled = keys.entries(of: subject).filter { $0.ending == nil }
        for entry in enrolled { _ = try? state.value(.identity(issuer: subject, keyID: entry.key.thumbprint)) }
        guard enrolled.contains(where: { $0.measurements.contains(attestation.measurement) }) else {
            throw .failed(
                .unauthorizedModification,
                "the measurement \(Hex.encode(attestation.measurement)) is none that \(subject) may have",
                mend: "run what was enrolled, or enrol this measurement")
        }
        let age = try age(of: attestation.time, "the attestation")
        guard age <= bounds.maxAttestationAge else {
            throw .failed(
                .synchronizationInterrupted,
                "the attestation is \(age) ms old; the policy allows \(bounds.maxAttestationAge)",
                mend: "let the runtime attest itself again")
        }
        return "\(Hex.encode(attestation.measurement)), \(age) ms ago"
    }

    /// P5: "the runtime's telemetry digests are contiguous (each names the one before it) and the newest is younger than
    /// `maxTelemetryAge`". A digest that doesn't continue the chain is never admitted; what the runtime says it sent last
    /// must be what the log has.
    func telemetryContinuity() throws(Finding) -> String {
        let subject = request.access.subject
        guard let telemetry = try ofSubject(.telemetry(subject), TelemetryRecord.self) else {
            throw .notEvaluable("\(subject) has sent no telemetry", mend: "register telemetry.digest")
        }
        if let said = request.telemetry, said != telemetry.digest {
            throw .failed(
                .telemetryInconsistent,
                "the runtime says \(said) is its newest digest; the log has \(telemetry.digest)",
                mend: "register the telemetry that is missing")
        }
        let age = try age(of: telemetry.until, "the telemetry")
        guard age <= bounds.maxTelemetryAge else {
            throw .failed(
                .synchronizationInterrupted,
                "the telemetry ends \(age) ms ago; the policy allows \(bounds.maxTelemetryAge)",
                mend: "register newer telemetry")
        }
        return "until \(age) ms ago"
    }

    /// P6: "the log's signature and the witness quorum on the head verify under the trust policy; the keys of the
    /// grant's issuer and of the subject are enrolled and not revoked at the head".
    func cryptographicSynchronization() throws(Finding) -> String {
        let head = try head()
        guard let witnesses = head.witnesses else {
            throw .failed(
                .cryptographicFailure, "the log's signature or the witnesses' quorum on the head does not verify",
                mend: "wait for a head with a quorum")
        }
        if case .byNobody = witnesses, !rules.policy.allowUnwitnessed {
            throw .failed(
                .cryptographicFailure, "no witness vouches for the head, and the policy does not allow that",
                mend: "name witnesses in the trust file")
        }
        if foreign == nil {
            try checkKeys(of: request.access.subject, "the subject")
            if let grant = request.grant, let record = try state.record(.grant(grant), GrantRecord.self) {
                try checkKeys(of: record.issuer, "the grant's issuer")
            }
        }
        return "size \(head.head.size)"
    }

    private func checkKeys(of issuer: String, _ who: String) throws(Finding) {
        let inForce = keysInForce(of: issuer)
        for entry in inForce { _ = try? state.value(.identity(issuer: issuer, keyID: entry.key.thumbprint)) }
        guard !inForce.isEmpty else {
            throw .failed(
                .cryptographicFailure, "\(who), \(issuer), has no key in force",
                mend: "enrol a key: identity.enroll or identity.rotate")
        }
    }

    /// P7: "the head extends the last head this evaluator accepted (consistency proof verified), and its head time is
    /// younger than `maxHeadAge`".
    func auditSynchronization() throws(Finding) -> String {
        for doubt in evidence.doubts {
            switch doubt {
            case .fork(let why), .violation(let why):
                throw .failed(.auditDiscontinuity, why, mend: "nothing here: keep the evidence")
            case .clock, .storage, .stateRoot: continue
            }
        }
        let head = try head()
        guard let extends = head.extendsAccepted else {
            throw .notEvaluable(
                "it is not known whether the head extends the one accepted before", mend: "fetch a consistency proof")
        }
        guard extends else {
            throw .failed(
                .auditDiscontinuity, "the head does not extend the one accepted before: the log shows two histories",
                mend: "nothing here: keep the evidence of the fork")
        }
        let (time, what) = try vouched(head.witnesses, "the head")
        let age = try age(of: time, what)
        guard age <= bounds.maxHeadAge else {
            throw .failed(
                .synchronizationInterrupted, "the head is \(age) ms old; the policy allows \(bounds.maxHeadAge)",
                mend: "wait for a newer head")
        }
        return "\(age) ms old"
    }

    /// P8: "the state root that the evaluator computed equals the root in the head's seal, and the quorum of state
    /// witnesses cosigned a head not older than `maxStateLag`".
    func stateConsistency() throws(Finding) -> String {
        for case .stateRoot(let why) in evidence.doubts {
            throw .failed(.stateDivergence, why, mend: "nothing here: the log's seal is not that of its entries")
        }
        let head = try head()
        guard let computed = head.computedRoot else {
            throw .notEvaluable("the state at the head was not computed", mend: "let the gate replay the log")
        }
        guard computed == head.sealRoot else {
            throw .failed(
                .stateDivergence, "the seal says the state's root is \(head.sealRoot); computed was \(computed)",
                mend: "nothing here: the log's seal is not that of its entries")
        }
        if case .byNobody? = head.stateWitnesses, !rules.policy.allowUnwitnessed {
            throw .failed(
                .stateDivergence, "no state witness vouches for the seal, and the policy does not allow that",
                mend: "name state witnesses in the trust file")
        }
        let (time, what) = try vouched(head.stateWitnesses, "the newest head that state witnesses cosigned")
        let age = try age(of: time, what)
        guard age <= bounds.maxStateLag else {
            throw .failed(
                .synchronizationInterrupted,
                "the state witnesses are \(age) ms behind; the policy allows \(bounds.maxStateLag)",
                mend: "wait for the state witnesses")
        }
        return "root \(computed)"
    }

    /// Whether it is the peer that has enrolled the subject: what is recorded of it is there.
    private var isForeign: Bool { foreign != nil && keysInForce(of: request.access.subject).isEmpty }

    private func ofSubject<Record: StateRecord>(
        _ key: StateKey, _ kind: Record.Type
    ) throws(Finding) -> Record? {
        try isForeign ? TrackedState(view()).record(key, kind) : state.record(key, kind)
    }

    func head() throws(Finding) -> HeadEvidence {
        guard let head = evidence.head else {
            throw .notEvaluable("there is no verified head", mend: "let the gate follow the log")
        }
        return head
    }

    private func vouched(
        _ vouched: HeadEvidence.Vouched?, _ what: String
    ) throws(Finding) -> (time: UInt64, what: String) {
        switch vouched {
        case .byQuorum(let time)?: return (time, what)
        case .byNobody(let time)?: return (time, "\(what), by its seal,")
        case nil:
            throw .notEvaluable("nobody says when \(what) was seen", mend: "wait for a quorum")
        }
    }
}
