import Foundation
import Governance
import LogClient
import Monitor
import Synchronization
import Testing
import Tlog
import Verification

/// `fixtures/monitor/`: what a monitor reports, and what a state witness cosigns, with expectations written by hand.
@Suite("Monitor vectors", .timeLimit(.minutes(1)))
struct MonitorVectorTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func document(_ name: String) throws -> JSON {
        let file = Self.root.appending(path: "fixtures/monitor/" + name)
        return try JSON(parsing: [UInt8](Data(contentsOf: file)))
    }

    /// The logs of a document as their servers have them.
    private struct Served {
        let trust: TrustFile
        let logs: [String: [[UInt8]]]

        init(_ document: JSON) throws {
            trust = try TrustFile(parsing: Array(try #require(document["trust"]?.stringValue).utf8))
            var logs: [String: [[UInt8]]] = [:]
            for member in try #require(document["logs"]?.objectValue) {
                let entries = try #require(member.value.arrayValue)
                logs[member.name] = try entries.map { try #require(Base64.decode($0.stringValue ?? "")) }
            }
            self.logs = logs
        }

        /// The files under a checkpoint of a log, and the checkpoint.
        func files(_ name: String, _ checkpoint: String) throws -> [String: [UInt8]] {
            let size = try SignedCheckpoint(parsing: Array(checkpoint.utf8)).checkpoint.size
            let entries = try #require(logs[name]).prefix(Int(size))
            var files = ["checkpoint": Array(checkpoint.utf8)]
            guard !entries.isEmpty else { return files }
            var edge = TileEdge()
            for entry in entries { edge.append(Hash.leaf(entry)) }
            for (tile, hashes) in edge.takeChangedTiles() { files[TileResource.tile(tile).path] = hashes }
            let bundle = TileResource.entries(index: 0, width: entries.count)
            files[bundle.path] = EntryBundle.encode(entries: Array(entries))
            return files
        }

        func watched(
            in place: Place, witnesses: [WatchedWitness] = [], events: Events, options: WatchOptions
        ) throws -> WatchedLog {
            guard let url = LogURL("http://log.example/") else { throw CocoaError(.featureUnsupported) }
            var client = LogClient(url: url, trust: trust, transport: place.server)
            client.retry.attempts = 1
            let follower = try LogFollower(
                client: client, store: place.store, headPath: place.directory + "/head", now: place.now)
            return WatchedLog(
                follower, witnesses: witnesses, options: options,
                evidence: EvidenceFiles(directory: place.directory + "/evidence"), report: events.add)
        }
    }

    // MARK: Reports

    @Test("every look is reported as the vector says, the evidence byte for byte, and the offline verifier confirms it")
    func reports() async throws {
        let document = try document("report.json")
        let served = try Served(document)
        for vector in try #require(document["cases"]?.arrayValue) { try await check(vector, served) }
    }

    private func check(_ vector: JSON, _ served: Served) async throws {
        let name = try #require(vector["name"]?.stringValue)
        let (place, events) = (try Place(), Events())
        let witnesses = ["w0", "w1", "w2"].map { (name: $0, fake: FakeWitness()) }
        let watched = try served.watched(
            in: place, witnesses: witnesses.map { $0.fake.watched($0.name) }, events: events,
            options: try options(try #require(vector["settings"]), place))
        for (number, look) in try #require(vector["looks"]?.arrayValue).enumerated() {
            try show(look, at: place, served)
            for (name, fake) in witnesses {
                let shown = look["witnesses"]?[name] ?? .null
                if shown.stringValue == "down" {
                    fake.end()
                } else {
                    fake.show(try shown.stringValue.map { try SignedCheckpoint(parsing: Array($0.utf8)) })
                }
            }
            // Whoever has found that a log lied does not look again.
            if await watched.finding == nil { await watched.round() }
            let expected = try #require(look["reports"]?.arrayValue).map { $0.text() }
            #expect(events.takeAll().map { stable($0.json).text() } == expected, "\(name), look \(number + 1)")
        }
        let conditions = try #require(vector["conditions"]?.arrayValue).compactMap(\.stringValue)
        #expect(await watched.conditions.map(\.name.rawValue).sorted() == conditions, "\(name)")
        try await checkEvidence(vector["evidence"]?.stringValue, of: watched, served, name)
    }

    private func checkEvidence(_ text: String?, of watched: WatchedLog, _ served: Served, _ name: String) async throws {
        guard case .fork(let path)? = await watched.finding else {
            #expect(text == nil, "\(name): no fork was found")
            return
        }
        let written = [UInt8](try Data(contentsOf: URL(filePath: path)))
        #expect(String(decoding: written, as: UTF8.self) == text, "\(name)")
        #expect(Verifier(trust: served.trust).fork(written).verdict == .verified, "\(name)")
    }

    private func options(_ settings: JSON, _ place: Place) throws -> WatchOptions {
        var options = WatchOptions(now: place.now)
        func texts(_ name: String) -> Set<String> { Set((settings[name]?.arrayValue ?? []).compactMap(\.stringValue)) }
        options.filter = StatementFilter(
            issuers: texts("issuers"), subjects: texts("subjects"), types: texts("types"))
        if let age = settings["max-age"]?.unsignedValue { options.maxAge = age == 0 ? nil : .seconds(age) }
        options.maxSilence = settings["max-silence"]?.unsignedValue.map { .seconds($0) }
        if let after = settings["withheld-after"]?.unsignedValue { options.withheldAfter = .seconds(after) }
        return options
    }

    private func show(_ look: JSON, at place: Place, _ served: Served) throws {
        let time = try #require(look["time"]?.unsignedValue)
        place.time.withLock { $0 = time }
        guard let checkpoint = look["checkpoint"]?.stringValue else {
            place.server.change { $0.isDown = true }
            return
        }
        var files = try served.files(try #require(look["log"]?.stringValue), checkpoint)
        for path in try #require(look["without"]?.arrayValue) { files[path.stringValue ?? ""] = nil }
        place.server.change { [files] in
            $0.isDown = false
            $0.files = files
        }
    }

    /// Without what is for people, and without the path of a file.
    private func stable(_ report: JSON) -> JSON {
        .object((report.objectValue ?? []).filter { $0.name != "detail" && $0.name != "evidence" })
    }

    // MARK: State witness

    @Test("a state witness cosigns what the vector says, and nothing else")
    func stateWitness() async throws {
        let document = try document("state-witness.json")
        let served = try Served(document)
        let key = try #require(document["key"])
        let seed = try #require(key["seed"]?.stringValue.flatMap { Hex.decode($0) })
        let signer = try Ed25519.SigningKey(seed: seed)
        let name = try KeyName(try #require(key["name"]?.stringValue))
        let vkey = try VerifierKey(parsing: try #require(key["vkey"]?.stringValue))
        #expect(VerifierKey.cosigner(name: name, publicKey: signer.publicKey) == vkey)
        let time = try #require(document["time"]?.unsignedValue)
        for vector in try #require(document["cases"]?.arrayValue) {
            let title = try #require(vector["name"]?.stringValue)
            let asked = try SignedCheckpoint(parsing: Array(try #require(vector["asked"]?.stringValue).utf8))
            let answer = try await answer(vector, asked, served)
            #expect(answer == vector["answer"]?.stringValue, "\(title)")
            guard answer == "cosigned" else {
                #expect(vector["line"] == nil, "\(title)")
                continue
            }
            let line = Cosignature.sign(asked.checkpoint, name: name, key: signer, time: time)
            #expect(line.line == vector["line"]?.stringValue, "\(title)")
            #expect(try Cosignature.verify(asked.adding([line]), key: vkey) == time, "\(title)")
        }
    }

    private func answer(_ vector: JSON, _ asked: SignedCheckpoint, _ served: Served) async throws -> String {
        let place = try Place()
        let shown = try #require(vector["shown"])
        let checkpoint = try #require(shown["checkpoint"]?.stringValue)
        let files = try served.files(try #require(shown["log"]?.stringValue), checkpoint)
        place.server.change { $0.files = files }
        let watched = try served.watched(in: place, events: Events(), options: WatchOptions(now: place.now))
        await watched.round()
        // It has looked, and waits for nothing more.
        let heads = ReplayedHeads([watched], patience: .zero)
        return switch await heads.verdict(on: asked) {
        case .replayed: "cosigned"
        case .notYet: "not-yet"
        case .refused: "refused"
        }
    }

    @Test("the committed files are what make-fixtures writes today")
    func regenerate() throws {
        let programs =
            ProcessInfo.processInfo.environment["HOLDFAST_BIN"].map { URL(filePath: $0) }
            ?? Self.root.appending(path: ".build/debug")
        let output = FileManager.default.temporaryDirectory.appending(path: "monitor-fixtures-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let process = try Process.run(programs.appending(path: "make-fixtures"), arguments: [output.path()])
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        for name in ["report.json", "state-witness.json"] {
            #expect(
                try Data(contentsOf: output.appending(path: "monitor/" + name))
                    == Data(contentsOf: Self.root.appending(path: "fixtures/monitor/" + name)))
        }
    }
}
