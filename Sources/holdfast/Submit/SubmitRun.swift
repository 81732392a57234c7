import COSE
import Governance
import LogClient
import Tlog

/// One run of `holdfast submit`: what is there already is left alone, what was signed and not answered is sent again
/// as it is, and the rest is signed and sent.
///
/// Answers are verified as anybody verifies them: where the genesis does not enrol the signer, with a state proof that
/// shows it, which is kept beside the answer.
struct SubmitRun {
    let client: LogClient
    let issuer: Issuer
    let output: Output
    let ledgerDirectory: String
    let origin: Origin
    private(set) var outcomes: [Outcome] = []
    private let progress: ProgressLine
    private var settled: UInt64 = 0
    /// What was registered by this run.
    private var answered: [(files: AnswerFiles, answer: VerifiedAnswer)] = []

    /// Where the files go, and what happens to what was registered before.
    struct Output {
        let directory: String
        /// Whether to register again what was registered before: a new statement, in new files.
        let again: Bool
    }

    /// What became of an input.
    struct Outcome {
        let name: String
        let index: UInt64
        let id: Hash
        /// The log had it before.
        let isDuplicate: Bool
        let files: AnswerFiles
    }

    /// An input with its files.
    private struct Job {
        /// Among the inputs: they are registered in this order.
        let position: Int
        let input: SubmitInput
        let files: AnswerFiles
    }

    /// - Parameter client: it knows the issuer by this key, from the genesis or from the log's state.
    init(
        client: LogClient, issuer: Issuer, output: Output, ledgerDirectory: String, origin: Origin, count: Int
    ) {
        self.client = client
        self.issuer = issuer
        self.output = output
        self.ledgerDirectory = ledgerDirectory
        self.origin = origin
        progress = ProgressLine("registering", total: UInt64(count))
    }

    mutating func register(_ inputs: [SubmitInput]) async throws {
        defer { progress.finish() }
        do {
            try await registerAll(inputs)
        } catch {
            // What was registered before is shown all the same; why it ended is what has to be said.
            try? await showSigner()
            throw error
        }
        try await showSigner()
    }

    /// Keeps what shows that the log enrolled the signer, and verifies the answers with it.
    private mutating func showSigner() async throws {
        defer { answered = [] }
        do {
            guard let proof = try await client.signerProof(for: answered.map(\.answer)) else { return }
            for (files, answer) in answered {
                guard try client.verify(answer, signer: proof) else { continue }
                try files.write(proof)
            }
        } catch let error as ClientError {
            throw Wording.signerNotShown(answered[0].files, error)
        }
    }

    private mutating func registerAll(_ inputs: [SubmitInput]) async throws {
        var fresh: [Job] = []
        var kept: [(Job, SignedStatement)] = []
        for (position, input) in inputs.enumerated() {
            let job = Job(
                position: position, input: input, files: AnswerFiles(directory: output.directory, name: input.name))
            guard let statement = try job.files.keptStatement() else {
                fresh.append(job)
                continue
            }
            if output.again {
                fresh.append(Job(position: position, input: input, files: try Self.freeName(job.files)))
            } else if !input.isSaid(by: statement, issuer: issuer) {
                throw Wording.otherStatement(job.files, input.name)
            } else if job.files.hasProof {
                try leave(job, statement)
            } else {
                kept.append((job, statement))
            }
        }
        // The streams first: what an earlier run left pending there goes before anything else.
        var writers = try await openWriters((fresh + kept.map(\.0)).compactMap(\.input.stream))
        fresh += try await send(kept)
        fresh.sort { $0.position < $1.position }
        for (stream, jobs) in Self.byStream(fresh) {
            guard let writer = writers.removeValue(forKey: stream) else { continue }
            let open = output.again ? jobs : try claim(writer.recovered, by: jobs)
            try writer.forgetRecovered()
            try await register(open, writer)
        }
        let opaque = try fresh.filter { $0.input.stream == nil }.map { job in
            guard let statement = try job.input.opaqueStatement(issuer) else { preconditionFailure("not an event") }
            try job.files.write(statement)
            return (job, statement)
        }
        _ = try await send(opaque)
    }

    // MARK: Parts

    /// The proof is there already: nothing is sent.
    private mutating func leave(_ job: Job, _ statement: SignedStatement) throws {
        let bytes = try FileBytes.read(job.files.proof, limit: TlogProof.maxByteCount)
        do {
            try client.verify(statement: statement.entryBytes, proof: bytes)
        } catch {
            throw Wording.keptProof(job.files, error)
        }
        let proof = try TlogProof(parsing: bytes)
        settle(
            Outcome(
                name: job.input.name, index: proof.index, id: statement.leafHash, isDuplicate: true, files: job.files))
    }

    private mutating func settle(_ outcome: Outcome) {
        outcomes.append(outcome)
        settled += 1
        progress.update(settled)
    }

    private mutating func settle(_ job: Job, _ answer: VerifiedAnswer) throws {
        try job.files.write(answer)
        answered.append((job.files, answer))
        settle(
            Outcome(
                name: job.input.name, index: answer.index, id: answer.statement.leafHash,
                isDuplicate: answer.isDuplicate, files: job.files))
    }

    /// What an earlier run had signed and this one found registered is the answer to the inputs that say the same,
    /// also where that run was cut off before it wrote the statement's file.
    ///
    /// - Returns: the jobs that are still to be done.
    private mutating func claim(_ recovered: [VerifiedAnswer], by jobs: [Job]) throws -> [Job] {
        var answers: [Saying: [VerifiedAnswer]] = [:]
        for answer in recovered.reversed() {
            guard let saying = Saying(answer.statement) else { continue }
            answers[saying, default: []].append(answer)
        }
        return try jobs.filter { job in
            guard case .event(let item) = job.input.material, let answer = answers[Saying(item)]?.popLast() else {
                return true
            }
            try job.files.write(answer.statement)
            try settle(job, answer)
            return false
        }
    }

    private static func byStream(_ jobs: [Job]) -> [(stream: String, jobs: [Job])] {
        var order: [String] = []
        var byName: [String: [Job]] = [:]
        for job in jobs {
            guard let stream = job.input.stream else { continue }
            if byName[stream] == nil { order.append(stream) }
            byName[stream, default: []].append(job)
        }
        return order.map { ($0, byName[$0] ?? []) }
    }

    private func openWriters(_ streams: [String]) async throws -> [String: StreamWriter] {
        var writers: [String: StreamWriter] = [:]
        for stream in streams where writers[stream] == nil {
            let name = StreamName(origin: origin, issuer: issuer.name, stream: stream, key: issuer.thumbprint)
            let ledger = try StreamLedger(name, directory: ledgerDirectory)
            writers[stream] = try await StreamWriter(
                client: client, key: issuer.key, ledger: ledger, now: { Moment.now() })
        }
        return writers
    }

    /// Sends statements that are signed already.
    ///
    /// - Returns: the events among them that came too late: the log no longer takes their time or their place, so they
    ///   have to be signed anew.
    private mutating func send(_ jobs: [(Job, SignedStatement)]) async throws -> [Job] {
        guard !jobs.isEmpty else { return [] }
        var late: [Job] = []
        let (progress, before) = (progress, settled)
        let results = await client.submit(jobs.map(\.1)) { progress.update(before + UInt64($0)) }
        for ((job, _), result) in zip(jobs, results) {
            switch result {
            case .success(let answer): try settle(job, answer)
            case .failure(.refused(let problem)) where job.input.stream != nil && problem.isOfPlaceOrTime:
                job.files.removeStatement()
                late.append(job)
            case .failure(let failure): throw Wording.notRegistered(job.input.name, failure, kept: job.files)
            }
        }
        return late
    }

    private mutating func register(_ jobs: [Job], _ writer: StreamWriter) async throws {
        var writer = writer
        let items = jobs.compactMap { job -> StreamWriter.Item? in
            guard case .event(let item) = job.input.material else { return nil }
            return item
        }
        var answers: [(Int, VerifiedAnswer)] = []
        var observer = StreamWriter.Observer()
        let (progress, before) = (progress, settled)
        observer.progress = { progress.update(before + UInt64($0)) }
        observer.signed = { item, statement in try jobs[item].files.write(statement) }
        observer.registered = { item, answer in
            try jobs[item].files.write(answer)
            answers.append((item, answer))
        }
        observer.withdrawn = { item in
            if !answers.contains(where: { $0.0 == item }) { jobs[item].files.removeStatement() }
        }
        do {
            try await writer.register(items, observer: observer)
        } catch {
            record(answers, of: jobs)
            throw Wording.stream(error, names: jobs.map(\.input.name))
        }
        record(answers, of: jobs)
    }

    private mutating func record(_ answers: [(Int, VerifiedAnswer)], of jobs: [Job]) {
        for (item, answer) in answers {
            answered.append((jobs[item].files, answer))
            settle(
                Outcome(
                    name: jobs[item].input.name, index: answer.index, id: answer.statement.leafHash,
                    isDuplicate: answer.isDuplicate, files: jobs[item].files))
        }
    }

    private static func freeName(_ files: AnswerFiles) throws -> AnswerFiles {
        for number in 2...1_000_000 {
            let other = AnswerFiles(directory: files.directory, name: "\(files.name)-\(number)")
            if try other.keptStatement() == nil { return other }
        }
        throw Failure(.usage, "There are a million files named \(files.name) in \(files.directory)")
    }
}

extension LogProblem {
    /// Whether an event was refused for when and where it was signed to stand, not for what it says.
    fileprivate var isOfPlaceOrTime: Bool {
        ["time-skew", "stream-gap", "stream-fork"].contains(code)
    }
}
