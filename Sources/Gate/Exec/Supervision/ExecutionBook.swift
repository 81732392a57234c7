internal import COSE
internal import Foundation
public import Governance
internal import LogClient
internal import Tlog

/// Executions that were begun from a directory and whose end is not on record yet, a file each. A supervisor that is killed
/// leaves its own there, and the next one puts its end on record: what ended must not stand in the log as running.
public struct ExecutionBook: Sendable {
    /// One execution, and whose it is.
    public struct Open: Sendable, Hashable {
        public let execution: ExecutionID
        public let runtime: String

        public init(execution: ExecutionID, runtime: String) {
            self.execution = execution
            self.runtime = runtime
        }
    }

    private let directory: String
    private static let suffix = ".execution"

    /// - Parameter directory: made if it is not there.
    public init(directory: String) throws(GateOpeningError) {
        self.directory = directory
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .file(directory, SystemReason.text(error))
        }
    }

    /// What earlier runs left.
    public func left() throws(GateOpeningError) -> [Open] {
        var open: [Open] = []
        do {
            let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            for file in files where file.hasSuffix(Self.suffix) {
                let bytes = [UInt8](try Data(contentsOf: URL(filePath: directory + "/" + file)))
                let map = (try? CBOR(decoding: bytes))?.mapValue
                guard let home = map?["home"]?.textValue, let id = map?["id"]?.textValue,
                    let runtime = map?["runtime"]?.textValue
                else { throw GateOpeningError.file(directory + "/" + file, "it names no execution") }
                open.append(Open(execution: ExecutionID(home: home, id: id), runtime: runtime))
            }
        } catch let error as GateOpeningError {
            throw error
        } catch {
            throw .file(directory, SystemReason.text(error))
        }
        return open
    }

    /// Before its start is sent. Durable when this returns.
    func begin(_ execution: ExecutionID, by runtime: String) throws(GateError) {
        let item: CBOR = ["home": .text(execution.home), "id": .text(execution.id), "runtime": .text(runtime)]
        do { try AtomicFile.write(item.encoded(), to: path(execution)) } catch {
            throw .stream("the execution can't be kept in \(directory): \(SystemReason.text(error))")
        }
    }

    /// Its end is on record, or there is nothing to end. A file that stays is looked at again by the next run.
    func end(_ execution: ExecutionID) {
        try? FileManager.default.removeItem(atPath: path(execution))
    }

    /// Puts the end of what an earlier run left on record as `blocked`: it ended with its supervisor.
    ///
    /// What that run had signed and not sent goes first, by the stream: perhaps the start, perhaps the true end. Where
    /// there is nothing left to end the log refuses the statement, and that is that.
    ///
    /// - Returns: nil if the log has no such execution running.
    public func settle(
        _ open: Open, through point: some DecisionPoint, as runtime: GateSigner
    ) async throws(GateError) -> RegisteredStatement? {
        let result: CBOR = ["output": .null, "status": .null]
        let finish = ExecutionFinish(
            execution: open.execution, outcome: .blocked, output: Hash.sha256(result.encoded()))
        do throws(GateError) {
            let statement = try await point.register(
                EventDraft(finish, stream: "executions"), about: "\(open.execution.home) \(open.execution.id)",
                as: runtime)
            end(open.execution)
            return statement
        } catch {
            guard case .logRefused = error else { throw error }
            end(open.execution)
            return nil
        }
    }

    private func path(_ execution: ExecutionID) -> String {
        directory + "/" + Hash.sha256(execution.cbor.encoded()).hex + Self.suffix
    }
}
