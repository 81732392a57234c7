internal import COSE
internal import Tlog

/// The kinds of values that statements are made of.
extension FieldReader {
    /// Nil for a field that is not there.
    func optional<Value>(
        _ name: String, _ read: (String) throws(FieldError) -> Value
    ) throws(FieldError) -> Value? {
        has(name) ? try read(name) : nil
    }

    /// A name, as people give them.
    func name(_ name: String) throws(FieldError) -> String {
        let text = try text(name)
        guard TextRule.isName(text, 1...256) else {
            throw .invalid(path(name), "1 to 256 bytes without control characters")
        }
        return text
    }

    func uri(_ name: String) throws(FieldError) -> String {
        let text = try text(name)
        guard TextRule.isURI(text) else { throw .invalid(path(name), "an absolute URI of at most 512 bytes") }
        return text
    }

    func origin(_ name: String) throws(FieldError) -> Origin {
        do { return try Origin(text(name)) } catch let error as FieldError { throw error } catch {
            throw .invalid(path(name), "an origin: \(error)")
        }
    }

    func publicKey(_ name: String) throws(FieldError) -> Ed25519.PublicKey {
        do { return try Ed25519.PublicKey(bytes(name)) } catch let error as FieldError { throw error } catch {
            throw .invalid(path(name), "an Ed25519 public key: \(error)")
        }
    }

    func bytes(_ name: String, count: ClosedRange<Int>) throws(FieldError) -> [UInt8] {
        let bytes = try bytes(name)
        guard count.contains(bytes.count) else {
            throw .invalid(path(name), "\(count.lowerBound) to \(count.upperBound) bytes")
        }
        return bytes
    }

    func unsigned(_ name: String, in range: ClosedRange<UInt64>) throws(FieldError) -> UInt64 {
        let number = try unsigned(name)
        guard range.contains(number) else {
            throw .invalid(path(name), "from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// One of the texts of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, of kind: Choice.Type = Choice.self
    ) throws(FieldError) -> Choice where Choice.RawValue == String {
        let text = try text(name)
        guard let choice = Choice(rawValue: text), choice.rawValue.hasSameUTF8(as: text) else {
            throw .invalid(path(name), "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    /// Choices in any order, none twice.
    func choices<Choice: RawRepresentable & CaseIterable & Hashable>(
        _ name: String, of kind: Choice.Type = Choice.self
    ) throws(FieldError) -> [Choice] where Choice.RawValue == String {
        var choices: [Choice] = []
        for text in try texts(name) {
            guard let choice = Choice(rawValue: text), choice.rawValue.hasSameUTF8(as: text),
                !choices.contains(choice)
            else {
                throw .invalid(
                    path(name), "of " + Choice.allCases.map(\.rawValue).joined(separator: ", ") + ", none twice")
            }
            choices.append(choice)
        }
        return choices
    }

    /// Byte strings, none twice.
    func byteStrings(_ name: String, count: ClosedRange<Int>) throws(FieldError) -> [[UInt8]] {
        var all: [[UInt8]] = []
        for item in try array(name) {
            guard let bytes = item.bytesValue else { throw .wrongKind(path(name)) }
            guard count.contains(bytes.count), !all.contains(bytes) else {
                throw .invalid(
                    path(name), "byte strings of \(count.lowerBound) to \(count.upperBound) bytes, none twice")
            }
            all.append(bytes)
        }
        return all
    }

    /// The elements of an array, each read as a map or another item.
    func elements<Element>(
        _ name: String, count: ClosedRange<Int>, _ read: (CBOR, String) throws(FieldError) -> Element
    ) throws(FieldError) -> [Element] {
        let items = try array(name)
        guard count.contains(items.count) else {
            throw .invalid(path(name), "\(count.lowerBound) to \(count.upperBound) elements")
        }
        var elements: [Element] = []
        for (position, item) in items.enumerated() {
            elements.append(try read(item, "\(path(name))[\(position)]"))
        }
        return elements
    }

    /// A hash, or nil for null. The field must be there.
    func hashOrNull(_ name: String) throws(FieldError) -> Hash? {
        try item(name).isNull ? nil : try hash(name)
    }
}

extension CBOR {
    static func hash(_ hash: Hash) -> CBOR { .bytes(hash.bytes) }
    static func hash(_ hash: Hash?) -> CBOR { hash.map { .bytes($0.bytes) } ?? .null }
    static func texts(_ texts: [String]) -> CBOR { .array(texts.map { .text($0) }) }
}

extension FieldReader {
    /// Names, none twice; one at least.
    func names(_ name: String) throws(FieldError) -> [String] {
        var names: [String] = []
        for text in try texts(name) {
            guard TextRule.isName(text, 1...256), !names.contains(where: text.hasSameUTF8) else {
                throw .invalid(path(name), "names of 1 to 256 bytes without control characters, none twice")
            }
            names.append(text)
        }
        guard (1...64).contains(names.count) else { throw .invalid(path(name), "1 to 64 names") }
        return names
    }
}
