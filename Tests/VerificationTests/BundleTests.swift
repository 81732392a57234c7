import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Evidence bundles")
struct BundleTests {
    private let governed: GovernedLog
    private let verifier: Verifier
    private let run: EvidenceBundle

    private static let subject = StateKey.execution(GovernedLog.execution("run-1"))

    init() throws {
        governed = try GovernedLog()
        verifier = Verifier(trust: try TrustFile(parsing: Array(governed.log.stateTrustText().utf8)))
        run = try governed.bundle(Self.subject)
    }

    private func facts(_ bundle: EvidenceBundle) throws -> [EvidenceFact] {
        let report = verifier.bundle(bundle.encoded())
        #expect(report.verdict == .verified, "\(report.text())")
        return try #require(report.evidence).facts
    }

    @Test("an execution: who authorized it, what ran, what was stopped, where it comes from, by entry")
    func execution() throws {
        let facts = try facts(run)
        func entries(_ what: String, _ text: String) -> [EvidenceFact] {
            facts.filter { $0.what == what && $0.text.contains(text) }
        }
        #expect(entries("decision.record", "permits").count == 2)
        #expect(entries("grant.issue", "may read").count == 2)
        #expect(entries("grant.revoke", "done").count == 1)
        #expect(entries("execution.start", "run-1").count == 2)
        #expect(entries("execution.start", "goes on from run-0").count == 1)
        #expect(entries("execution.step", "step").count == 4)
        #expect(entries("execution.finish", "run-0 ended: executed").count == 1)
        #expect(entries("execution.finish", "run-1 ended: blocked").count == 1)
        #expect(entries("containment.enter", "telemetry-inconsistent").count == 1)
        #expect(entries("containment.recover", "").count == 1)
        #expect(entries("decision.record", "passes its checks again").count == 1)
        #expect(entries("containment.lift", "").count == 1)
        #expect(entries("model.register", "1 files").count == 1)
        #expect(entries("model.approve", "").count == 1)
        #expect(entries("model.retire", "").count == 1)
        #expect(entries("state", "log.example/test was never contained").count == 1)
        #expect(entries("policy.set", "").count >= 1)
        for fact in facts {
            let statement = try governed.log.statement(fact.entry)
            #expect(fact.issuer == statement.header.issuer)
        }
    }

    @Test("a bundle across a change of the log's keys: each seal is held to the key of its place")
    func rotation() throws {
        var governed = self.governed
        let text = try governed.log.stateTrustText()
        let keys = governed.log.keys
        let cutoff = try governed.log.rotate()
        for _ in 0..<2 { try governed.log.grow(to: governed.log.size + 5) }
        let bundle = try governed.bundle(Self.subject).encoded()
        func report(at size: UInt64, of other: [UInt8]? = nil) throws -> VerificationReport {
            let lines = TestLog.laterLines(governed.log.keys, origin: governed.log.origin, ended: keys, at: size)
            let trust = try TrustFile(parsing: Array((text + lines.map { $0 + "\n" }.joined()).utf8))
            return Verifier(trust: trust).bundle(other ?? bundle)
        }
        let good = try report(at: cutoff)
        #expect(good.verdict == .verified, "\(good.text())")
        let early = try report(at: 10)
        #expect(early.failures.contains("seal-signature: key-ended"), "\(early.failures)")
        let late = try report(at: governed.log.size)
        #expect(late.failures.contains("seal-signature: key-not-begun"), "\(late.failures)")
        // The log's own entries are held to it by themselves too: here a seal that no value is under.
        let index = cutoff + 4
        let seal = EvidenceBundle.Entry(
            index: index, bytes: governed.log.entries[Int(index)], path: governed.log.inclusion(index).path)
        let parts = try EvidenceBundle(decoding: bundle)
        #expect(!parts.entries.contains { $0.index == index })
        let more = EvidenceBundle(
            subject: parts.subject, checkpoint: parts.checkpoint, entries: parts.entries + [seal],
            states: parts.states, heads: parts.heads
        ).encoded()
        #expect(try report(at: cutoff, of: more).verdict == .verified)
        #expect(try report(at: index + 1, of: more).failures == ["statement-signatures: key-not-begun"])
        // The head is the new key's.
        let first = Verifier(trust: verifier.trust).bundle(bundle)
        #expect(first.failures == ["log-signature: no-signature"])
    }

    @Test("a grant, with the one that it was handed on from; a model, with its manifest")
    func grantAndModel() throws {
        let grant = try facts(try governed.bundle(.grant(governed.grant)))
        #expect(grant.contains { $0.text.contains("2 of 3 uses are gone") })
        #expect(
            grant.contains { $0.about == .grant(governed.parentGrant) && $0.text.hasSuffix("is in force: not revoked") }
        )
        #expect(grant.contains { $0.what == "signer" && $0.issuer == GovernedLog.team && $0.text.contains("observer") })
        let model = try facts(try governed.bundle(.model(GovernedLog.model)))
        #expect(model.contains { $0.what == "model.retire" && $0.section == .stopped })
        #expect(model.contains { $0.issuer == GovernedLog.registrar && $0.text == "signed as registrar" })
    }

    @Test("at every sealed size from the start on, whatever was known then")
    func everySize() throws {
        let start = try #require(try facts(run).first { $0.text.contains("started run-1") }).entry
        for size in governed.log.states.keys.sorted() where size > start {
            let report = verifier.bundle(try governed.bundle(Self.subject, at: size).encoded())
            #expect(report.verdict == .verified, "\(size): \(report.text())")
            #expect(report.evidence?.size == size)
        }
    }

    @Test("no part can be left out: another part names it")
    func dropped() throws {
        for subject in [Self.subject, .grant(governed.grant), .model(GovernedLog.model)] {
            let bundle = try governed.bundle(subject)
            for entry in bundle.entries {
                let failures = verifier.bundle(bundle.without(entry: entry.index).encoded()).failures
                let codes = ["bundle-parts: part-missing", "seal-form: seal-missing"]
                #expect(failures.contains(where: codes.contains), "entry \(entry.index): \(failures)")
            }
            for state in bundle.states {
                for value in state.values {
                    let failures = verifier.bundle(bundle.without(value.key, at: state.size).encoded()).failures
                    #expect(
                        failures.contains("bundle-parts: part-missing"),
                        "\(value.key.text) at \(state.size): \(failures)")
                }
            }
            for head in bundle.heads {
                let fewer = bundle.changed(heads: bundle.heads.filter { $0.size != head.size })
                #expect(verifier.bundle(fewer.encoded()).failures == ["bundle-parts: part-missing"])
            }
        }
    }

    @Test("a parent that is left out with everything of it is missed, because the execution names it")
    func withoutParent() throws {
        let parent = StateKey.execution(GovernedLog.execution("run-0"))
        let report = verifier.bundle(run.without(parent).encoded())
        #expect(report.failures == ["bundle-parts: part-missing"])
        #expect(report.verdictText().contains("run-0"))
        #expect(report.evidence != nil && report.json["evidence"] == nil)
    }

    @Test("no bit can be changed")
    func bitFlips() throws {
        let bytes = run.encoded()
        for bit in stride(from: 0, to: bytes.count * 8, by: 1009) {
            #expect(verifier.bundle(bytes.flipped(bit)).verdict == .notVerified, "bit \(bit)")
        }
    }

    @Test("entries in each other's places, of another log, or never registered, are under no head")
    func swapped() throws {
        let (first, second) = (run.statements[2], run.statements[3])
        let swapped = run.replacing(first.index, second.bytes, path: second.path)
            .replacing(second.index, first.bytes, path: first.path)
        #expect(
            verifier.bundle(swapped.encoded()).failures == ["inclusion: root-mismatch", "inclusion: root-mismatch"])
        let other = try GovernedLog(seed: 60)
        let foreign = try other.bundle(Self.subject).statements[4]
        let mixed = run.replacing(run.statements[4].index, foreign.bytes, path: foreign.path)
        #expect(verifier.bundle(mixed.encoded()).failures.contains("inclusion: root-mismatch"))
        let made = try governed.log.event(stream: "new").entryBytes
        let added = run.changed(entries: run.entries + [EvidenceBundle.Entry(index: 5, bytes: made, path: first.path)])
        #expect(verifier.bundle(added.encoded()).verdict == .notVerified)
    }

    @Test("values of another size, of another log, or of another key don't lead to the seal's root")
    func otherStates() throws {
        let newest = try #require(run.states.last)
        let older = try governed.log.stateProof(.grant(governed.grant), at: run.states[0].size)
        let value = EvidenceBundle.Value(key: .grant(governed.grant), value: older.value, proof: older.proof)
        let values = newest.values.filter { $0.key != value.key } + [value]
        let states = run.states.dropLast() + [EvidenceBundle.State(size: newest.size, values: values)]
        let failures = verifier.bundle(run.changed(states: Array(states)).encoded()).failures
        #expect(failures.count == 1 && failures[0].hasPrefix("map-proof: "), "\(failures)")
        let absent = EvidenceBundle.Value(key: value.key, value: nil, proof: newest.values[0].proof)
        let hidden = newest.values.filter { $0.key != value.key } + [absent]
        let lied = run.states.dropLast() + [EvidenceBundle.State(size: newest.size, values: hidden)]
        #expect(verifier.bundle(run.changed(states: Array(lied)).encoded()).verdict == .notVerified)
    }

    @Test("the head: of another size, of another log, with too few cosignatures of either kind")
    func otherHead() throws {
        let log = governed.log
        let smaller = run.changed(checkpoint: try log.replayedCheckpoint(2).bytes)
        #expect(verifier.bundle(smaller.encoded()).verdict == .notVerified)
        let foreign = run.changed(checkpoint: try GovernedLog(seed: 60).log.replayedCheckpoint().bytes)
        #expect(verifier.bundle(foreign.encoded()).failures.first == "log-signature: no-signature")
        let unwitnessed = run.changed(checkpoint: try log.replayedCheckpoint(witnesses: 1).bytes)
        #expect(verifier.bundle(unwitnessed.encoded()).failures == ["witness-quorum: quorum-not-reached"])
        let unreplayed = run.changed(checkpoint: try log.replayedCheckpoint(stateWitnesses: 1).bytes)
        #expect(verifier.bundle(unreplayed.encoded()).failures == ["state-quorum: state-quorum-not-reached"])
    }

    @Test("the subject of another bundle, and one that is not what was asked for")
    func otherSubject() throws {
        let asked = verifier.bundle(run.encoded(), about: .grant(governed.grant))
        #expect(asked.failures == ["expected-key: other-key"])
        let unknown = run.changed(subject: .execution(GovernedLog.execution("run-9")))
        #expect(verifier.bundle(unknown.encoded()).failures == ["bundle-parts: part-missing"])
        let policy = run.changed(subject: .policy)
        #expect(verifier.bundle(policy.encoded()).failures == ["bundle-form: state-key"])
    }

    @Test("by a route: its record, and containments of the domains at its ends")
    func routed() throws {
        let routed = try GovernedLog(isRouted: true)
        let bundle = try routed.bundle(Self.subject)
        let facts = try facts(bundle)
        #expect(facts.contains { $0.about == .route(GovernedLog.route) && $0.text.hasSuffix(": activated") })
        #expect(facts.contains { $0.text == "domain log.example/peer contained: coordination-inconsistent" })
        let key = StateKey.containment(.domain(GovernedLog.peer))
        for key in [key, .route(GovernedLog.route)] {
            #expect(verifier.bundle(bundle.without(key).encoded()).failures == ["bundle-parts: part-missing"])
        }
    }

    @Test("several changes in one batch: each is shown, and none can be left out")
    func oneBatch() throws {
        var governed = self.governed
        let scope = Scope.runtime(TestLog.issuer)
        let first = governed.log.head().size
        for reason in [ContainmentReason.telemetryInconsistent, .stateDivergence, .routingMismatch] {
            let data = ContainmentEnter(scope: scope, reason: reason)
            try governed.log.append(governed.log.governing(.containmentEnter, data.cbor))
        }
        try governed.log.append(governed.log.governing(.containmentRecover, ContainmentRecover(scope: scope).cbor))
        governed.log.seal()
        let bundle = try governed.bundle(Self.subject)
        let shown = try facts(bundle).filter {
            $0.about == .containment(scope) && $0.what.hasPrefix("containment.") && $0.entry >= first
        }
        #expect(
            shown.map(\.text).sorted() == [
                "runtime \(TestLog.issuer) contained: routing-mismatch",
                "runtime \(TestLog.issuer) contained: state-divergence",
                "runtime \(TestLog.issuer) contained: telemetry-inconsistent", "runtime \(TestLog.issuer) recovering",
            ])
        for fact in shown {
            let without = bundle.changed(entries: bundle.entries.filter { $0.index != fact.entry })
            #expect(verifier.bundle(without.encoded()).failures == ["bundle-parts: part-missing"])
        }
    }

    private func content(_ bundle: EvidenceBundle, of governed: GovernedLog) throws -> BundleContent {
        let genesis = try #require(verifier.trust.genesis)
        var content = BundleContent(
            head: governed.log.head(), genesis: try #require(genesis.statement), policy: try #require(genesis.policy),
            keys: verifier.trust.keys)
        for entry in bundle.entries { content.add(try SignedStatement(decoding: entry.bytes), at: entry.index) }
        for state in bundle.states {
            for value in state.values { content.add(value.value, of: value.key, at: state.size) }
        }
        for head in bundle.heads { content.heads[head.size] = head.path }
        return content
    }

    @Test("more than is followed: the walk ends, and the bundle is not verified")
    func work() throws {
        let content = try content(run, of: governed)
        let whole = BundleWalk(Self.subject, in: content)
        #expect(whole.faults.isEmpty && whole.needs.isEmpty && whole.work < BundleWalk.workLimit / 100)
        for limit in [0, 1, whole.work / 2, whole.work - 1] {
            let walk = BundleWalk(Self.subject, in: content, workLimit: limit)
            #expect(walk.faults.map(\.code) == ["too-much-work"], "\(limit): \(walk.faults)")
            // What was begun is ended: one value, or one statement.
            #expect(walk.work <= limit + 1 + 65_535 / 64)
        }
        #expect(BundleWalk(Self.subject, in: content, workLimit: whole.work).faults.isEmpty)
    }

    @Test("a hostile bundle: a record that leads back through every size ends after as much work as may be")
    func hostile() throws {
        var governed = try GovernedLog(isLater: false)
        let scope = Scope.domain(governed.log.origin.text)
        for _ in 0..<60 {
            try governed.log.append(
                governed.log.governing(
                    .containmentEnter, ContainmentEnter(scope: scope, reason: .routingMismatch).cbor))
            governed.log.seal()
        }
        let bundle = try governed.bundle(Self.subject)
        let report = verifier.bundle(bundle.encoded())
        #expect(report.verdict == .verified)
        #expect(try #require(report.evidence).facts.count(where: { $0.about == .containment(scope) }) >= 60)
        let content = try content(bundle, of: governed)
        let whole = BundleWalk(Self.subject, in: content).work
        let plain = BundleWalk(Self.subject, in: try self.content(run, of: self.governed)).work
        #expect(whole > plain / 2)
        let walk = BundleWalk(Self.subject, in: content, workLimit: 200)
        #expect(walk.faults.map(\.code) == ["too-much-work"])
        #expect(walk.work <= 200 + 1 + 65_535 / 64)
    }

    @Test("a bundle of what is not there shows that it is not")
    func absent() throws {
        let bundle = try governed.bundle(.execution(GovernedLog.execution("run-9")))
        #expect(verifier.bundle(bundle.encoded()).failures == ["bundle-agreement: absent"])
    }

    @Test("nobody but the log vouches: not verified, unless that was asked for")
    func withoutStateQuorum() throws {
        let trust = try TrustFile(parsing: Array(governed.log.stateTrustText(stateQuorum: nil).utf8))
        #expect(Verifier(trust: trust).bundle(run.encoded()).leftOut == [.stateQuorum])
        let asked = Verifier(trust: trust, isWithoutStateQuorum: true).bundle(run.encoded())
        #expect(asked.verdict == .verified)
    }

    @Test("a bundle is read in one form only, and no more of it than there can be")
    func form() throws {
        let bytes = run.encoded()
        #expect(try EvidenceBundle(decoding: bytes) == run)
        #expect(throws: EvidenceBundleError.self) { try EvidenceBundle(decoding: bytes + [0]) }
        let item = try #require(try CBOR(decoding: bytes, limits: CBORLimits(depth: 8, items: 100_000)).mapValue)
        func changed(_ name: String, _ value: CBOR?) throws -> EvidenceBundleError? {
            var map = item
            map[.text(name)] = value
            let bytes = CBOR.map(map).encoded()
            do {
                _ = try EvidenceBundle(decoding: bytes)
                return nil
            } catch { return error }
        }
        #expect(try changed("format", "holdfast-evidence/2") == .format)
        #expect(try changed("format", nil) == .format)
        #expect(try changed("heads", nil)?.reason == "malformed")
        #expect(try changed("note", 1)?.reason == "malformed")
        #expect(try changed("subject", .bytes(StateKey.policy.bytes)) == .key("subject"))
        let entries = try #require(item["entries"]?.arrayValue)
        #expect(try changed("entries", .array(entries.reversed())) == .order("entries"))
        #expect(try changed("entries", .array(entries + [entries[entries.count - 1]])) == .order("entries"))
        let many = CBOR.array([CBOR](repeating: .null, count: EvidenceBundle.maxCount + 1))
        #expect(try changed("states", many)?.reason == "too-many")
    }

    @Test("what is said for people and for programs: facts with their entries, and what is not shown")
    func report() throws {
        let report = verifier.bundle(run.encoded())
        let text = report.text()
        #expect(text.contains("evidence of execution/log.example%2Ftest/run-1"))
        #expect(text.contains("containment.enter: runtime spiffe://example.org/agent contained"))
        #expect(text.contains("not shown\n"))
        let json = try #require(report.json["evidence"])
        #expect(json["subject"]?.stringValue == Self.subject.text)
        #expect(json["facts"]?.arrayValue?.count == report.evidence?.facts.count)
        #expect(Instant(1_750_000_000_123).description == "2025-06-15T15:06:40.123Z")
        #expect(Instant(951_782_400_000).description == "2000-02-29T00:00:00.000Z")
        #expect(Instant(.max).description.hasSuffix(" ms"))
    }
}
