public import Governance
internal import LogClient
internal import Logging
internal import Monitor
internal import Tlog

/// Containment: what the gate finds, it registers itself, once; and what passes again it revalidates.
extension Gate {
    public func contain(_ decision: Decision) async throws(GateError) -> [RegisteredStatement] {
        let demands = await follower.withFolded { ContainmentDemand.demands(of: decision, in: $0.state) } ?? []
        var registered: [RegisteredStatement] = []
        for demand in demands {
            if let statement = try await enter(demand) { registered.append(statement) }
        }
        return registered
    }

    /// Registers a containment, unless that is being done. What can't be registered now is owed.
    private func enter(_ demand: ContainmentDemand) async throws(GateError) -> RegisteredStatement? {
        guard entering.insert(demand.scope).inserted else { return nil }
        defer { entering.remove(demand.scope) }
        let data = ContainmentEnter(scope: demand.scope, reason: demand.reason, evidence: demand.evidence)
        do throws(GateError) {
            let statement = try await register(
                EventDraft(data, stream: "containments"), about: "\(demand.scope)", as: signer)
            owed.removeAll { $0.scope == demand.scope }
            numbers.contained(demand.reason)
            logger.warning(
                "Contained",
                metadata: [
                    "scope": "\(demand.scope)", "reason": "\(demand.reason.rawValue)", "entry": "\(statement.index)",
                ])
            return statement
        } catch .logRefused(let code, let detail) {
            // Somebody was quicker, or what is to be contained has ended.
            owed.removeAll { $0.scope == demand.scope }
            logger.notice(
                "Not contained", metadata: ["scope": "\(demand.scope)", "code": "\(code)", "why": "\(detail)"])
            return nil
        } catch {
            if !owed.contains(where: { $0.scope == demand.scope }), !Mutant.owed.isOff { owed.append(demand) }
            throw error
        }
    }

    /// Registers what could not be registered before, where it is still so. A lie of the log's contains the domain.
    func payOwed() async {
        await containDomain()
        guard fault == nil, finding == nil else { return }
        for demand in owed {
            let isContained = await state(.containment(demand.scope), ContainmentRecord.self).map {
                $0.phase != .baseline
            }
            if isContained == true {
                owed.removeAll { $0 == demand }
                continue
            }
            do throws(GateError) { _ = try await enter(demand) } catch { return }
        }
    }

    /// "immutable audit discontinuity", "runtime state divergence": the gate permits nothing any more, whatever the log
    /// does; it tells the log so once, for those who read it.
    private func containDomain() async {
        let reason: ContainmentReason
        switch finding {
        case .fork?, .violation?: reason = .auditDiscontinuity
        case .stateRoot?: reason = .stateDivergence
        case .clock?, .storage?, nil: return
        }
        let scope = Scope.domain(origin.text)
        if Mutant.containDomain.isOff { return }
        guard entering.insert(scope).inserted else { return }
        // It stays in `entering`: one attempt. A log that has lied may lie about this too.
        let data = ContainmentEnter(
            scope: scope, reason: reason, evidence: Hash.sha256(Array("\(finding.debugDescription)".utf8)))
        do throws(GateError) {
            let answer = try await send(EventDraft(data, stream: "containments"), about: "\(scope)", as: signer)
            numbers.contained(reason)
            logger.critical(
                "The domain is contained", metadata: ["reason": "\(reason.rawValue)", "entry": "\(answer.index)"])
        } catch {
            logger.critical(
                "The domain is contained here; the log has no word of it",
                metadata: ["reason": "\(reason.rawValue)", "why": "\(error)"])
        }
    }

    // MARK: Recovery

    /// Puts on record that what was contained, and is recovering, passes every check again. With it the containment may
    /// be lifted, by whom the policy lets; the gate itself lifts nothing.
    ///
    /// - Parameter request: what is to run again, in full.
    /// - Throws: ``GateError/refused(_:recorded:)`` if something does not pass.
    public func revalidate(
        _ scope: Scope, for request: AccessRequest, files: ModelFiles?
    ) async throws(GateError) -> (decision: Decision, recorded: RegisteredStatement) {
        await nextRound()
        await freshen()
        let decision = await judge(request, files: files, revalidating: scope)
        guard decision.permits else { throw await refuse(decision) }
        guard let longest = await policy({ $0.rulesOfGovernance.maxPermit }),
            let record = decision.revalidation(
                of: scope, nonce: Self.nonce(), expires: decision.time + min(options.permitLifetime, longest / 2))
        else { throw .ended("it has no head") }
        let recorded = try await register(
            EventDraft(record, stream: "decisions"), about: request.access.subject, as: signer)
        guard let phase = await state(.containment(scope), ContainmentRecord.self)?.phase, phase == .revalidated else {
            throw .notVerified("\(scope) is not revalidated in the state after entry \(recorded.index)")
        }
        if case .execution(let id) = scope {
            do { try watch(id, under: request) } catch {
                throw .stream("what is to be watched can't be kept: \(SystemReason.text(error))")
            }
        }
        numbers.decided(.revalidate, reason: nil)
        return (decision, recorded)
    }
}
