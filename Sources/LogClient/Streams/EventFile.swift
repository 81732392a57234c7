public import Governance

/// An event as a person writes it down to have it registered:
///
///     {"type": "execution.note", "stream": "main", "subject": "agent-7", "data": {"answer": 42}}
///
/// `stream` and `subject` may be left out, and `trace` may be there. `seq`, `prev` and `time` may not: they are the
/// signer's to fill in.
public enum EventFile {
    /// What stands in where the file does not say.
    public struct Defaults: Sendable, Hashable {
        public var type: String?
        public var stream: String
        /// Default: the stream's name.
        public var subject: String?

        public init(type: String? = nil, stream: String = "main", subject: String? = nil) {
            self.type = type
            self.stream = stream
            self.subject = subject
        }
    }

    public enum Fault: Error, Sendable, Hashable {
        case json(JSONError)
        case notAnObject
        /// A field that the signer fills in.
        case filledIn(String)
        case wrongKind(field: String)
        case event(EventError)
    }

    /// Reads one event.
    public static func item(_ bytes: [UInt8], defaults: Defaults) throws(Fault) -> StreamWriter.Item {
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw .json(error) }
        guard var members = json.objectValue else { throw .notAnObject }
        for field in ["seq", "prev", "time"] where json[field] != nil { throw .filledIn(field) }
        var subject = defaults.subject
        if let value = json["subject"] {
            guard let text = value.stringValue else { throw .wrongKind(field: "subject") }
            subject = text
            members.removeAll { $0.name == "subject" }
        }
        if json["type"] == nil, let type = defaults.type { members.append(JSONMember("type", .string(type))) }
        if json["stream"] == nil { members.append(JSONMember("stream", .string(defaults.stream))) }
        let draft: EventDraft
        do { draft = try EventDraft(.object(members)) } catch { throw .event(error) }
        return StreamWriter.Item(draft: draft, subject: subject ?? draft.stream)
    }

    /// Reads one event a line; empty lines are left out.
    ///
    /// - Returns: the events with their line numbers, from 1.
    public static func lines(
        _ bytes: [UInt8], defaults: Defaults
    ) -> [(line: Int, item: Result<StreamWriter.Item, Fault>)] {
        var items: [(line: Int, item: Result<StreamWriter.Item, Fault>)] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() where !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) {
            do throws(Fault) {
                items.append((number + 1, .success(try item(Array(line), defaults: defaults))))
            } catch {
                items.append((number + 1, .failure(error)))
            }
        }
        return items
    }
}
