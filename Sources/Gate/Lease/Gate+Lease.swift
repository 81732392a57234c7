internal import COSE
internal import Governance
internal import LogClient
internal import Logging
internal import Monitor
internal import Tlog

/// Leases: "a recorded, expiring permit for (subject, actions, resource), under which decisions are local and digested
/// into a later entry; never for counted grants" (design, section 4).
extension Gate {
    /// A permit under a lease; nil where there can be none, and the request has to be recorded by itself.
    func leased(_ request: AccessRequest, _ files: ModelFiles?) async throws(GateError) -> RecordedPermit? {
        // A lease names neither model nor route, so nothing is known of what it would be used for.
        guard options.leaseLifetime > 0, request.model == nil, request.route == nil, let grant = request.grant else {
            return nil
        }
        let name = LeaseBook.Name(access: request.access, grant: grant)
        if leases.lease(name, at: await now()) == nil {
            await freshen()
            guard try await takeLease(name, for: request, files) else { return nil }
        }
        // Everything is judged anew each time: the lease stands for the record, not for the checks.
        let decision = await judge(request, files: files)
        guard decision.permits || Mutant.leaseJudged.isOff else { throw await refuse(decision) }
        guard let lease = leases.lease(name, at: decision.time) else { return nil }
        do { try leases.add(decision, to: name) } catch {
            throw .stream("the decision under a lease can't be kept: \(SystemReason.text(error))")
        }
        numbers.leased()
        return RecordedPermit(
            decision: decision, permission: .lease(lease.entry), entry: lease.entry, index: lease.index,
            expires: lease.expires, head: lease.head)
    }

    /// Registers a lease, if policy and grant allow one and the request passes.
    private func takeLease(
        _ name: LeaseBook.Name, for request: AccessRequest, _ files: ModelFiles?
    ) async throws(GateError) -> Bool {
        guard let longest = await policy({ $0.rulesOfGovernance.maxLease }), longest > 0,
            await !isCounted(name.grant)
        else { return false }
        let decision = await judge(request, files: files)
        guard decision.permits else { throw await refuse(decision) }
        let expires = decision.time + min(options.leaseLifetime, longest / 2)
        let record = LeaseRecord(access: name.access, grant: name.grant, expires: expires)
        let registered: RegisteredStatement
        do throws(GateError) {
            registered = try await register(
                EventDraft(record, stream: "leases"), about: name.access.subject, as: signer)
        } catch .logRefused(let code, let detail) {
            logger.notice("The log gives no lease", metadata: ["code": "\(code)", "why": "\(detail)"])
            return false
        }
        guard await state(.lease(registered.entry), LeaseState.self)?.lease == record else {
            throw .notVerified("the lease in entry \(registered.index) is not in the state")
        }
        do {
            try leases.add(
                LeaseBook.Lease(
                    entry: registered.entry, index: registered.index, head: registered.head, expires: expires),
                for: name)
        } catch {
            throw .stream("the lease's decisions can't be kept: \(SystemReason.text(error))")
        }
        return true
    }

    private func isCounted(_ grant: Hash) async -> Bool {
        await follower.withFolded { log in
            var next: Hash? = grant
            while let id = next {
                guard let bytes = log.state.value(.grant(id)), let record = try? GrantRecord(decoding: bytes) else {
                    return true
                }
                if record.grant.conditions.uses != nil { return true }
                next = record.grant.parent
            }
            return false
        } ?? true
    }

    /// Registers the digests of what was decided under leases that have ended.
    func closeLeases(all: Bool) async {
        guard fault == nil, finding == nil, !Mutant.leaseDigest.isOff else { return }
        for ended in leases.ended(at: await now(), all: all) {
            let data: CBOR = [
                "lease": .bytes(ended.entry.bytes), "decisions": .unsigned(ended.decisions),
                "digest": .bytes(ended.digest.bytes),
            ]
            let event = EventDraft(type: "gate.decisions", stream: "leases", data: data)
            do throws(GateError) {
                _ = try await register(event, about: signer.issuer, as: signer)
                leases.settle(ended)
            } catch {
                logger.notice("A lease's decisions are not on record yet", metadata: ["why": "\(error)"])
                return
            }
        }
    }
}
