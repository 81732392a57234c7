public import ArgumentParser
import COSE
import Foundation
public import Governance
import LogClient
import Tlog

/// Why a word of the command line is not what it should be. ArgumentParser puts the option's name before it.
struct ArgumentFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A point in time: ms since 1970.
struct TimeArgument: Hashable {
    let milliseconds: UInt64

    init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    /// RFC 3339 (`2026-11-21T14:30:00Z`, with an offset, with a fraction up to ms), or ms since 1970.
    @Sendable static func parse(_ text: String) throws -> TimeArgument {
        if let number = UInt64(text), String(number) == text { return TimeArgument(milliseconds: number) }
        guard let milliseconds = rfc3339(text) else {
            throw ArgumentFault(
                "a time is written like 2026-11-21T14:30:00Z (RFC 3339), or in ms since 1970, not '\(text)'")
        }
        return TimeArgument(milliseconds: milliseconds)
    }

    private static func rfc3339(_ text: String) -> UInt64? {
        let pattern = /(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?(?:[Zz]|([+-])(\d\d):(\d\d))/
        guard text.utf8.allSatisfy({ $0 < 0x80 }), let match = text.wholeMatch(of: pattern) else { return nil }
        func number(_ part: Substring?) -> Int { part.flatMap { Int($0) } ?? 0 }
        let (year, month, day) = (number(match.1), number(match.2), number(match.3))
        let (hour, minute, second) = (number(match.4), number(match.5), number(match.6))
        let (offsetHour, offsetMinute) = (number(match.9), number(match.10))
        guard (1970...9999).contains(year), (1...12).contains(month), hour < 24, minute < 60, second < 60,
            offsetHour < 24, offsetMinute < 60, (1...daysIn(month, of: year)).contains(day)
        else { return nil }
        let fraction = match.7.map { Int($0 + String(repeating: "0", count: 3 - $0.count)) ?? 0 } ?? 0
        let offset = (offsetHour * 60 + offsetMinute) * (match.8 == "-" ? -1 : 1)
        let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset
        return UInt64(exactly: (minutes * 60 + second) * 1000 + fraction)
    }

    private static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
    }

    private static func daysIn(_ month: Int, of year: Int) -> Int {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Days from 1970-01-01.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        var days = day - 1
        for before in 1970..<year { days += isLeap(before) ? 366 : 365 }
        for before in 1..<month { days += daysIn(before, of: year) }
        return days
    }
}

/// A length of time, in ms.
struct SpanArgument: Hashable {
    let milliseconds: UInt64

    private static let units: [(name: String, milliseconds: UInt64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000),
    ]

    /// A whole number and its unit: `500ms`, `30s`, `15m`, `1h`, `2d`, `1w`.
    @Sendable static func parse(_ text: String) throws -> SpanArgument {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = String(text.dropFirst(digits.count))
        guard let number = UInt64(digits), let factor = units.first(where: { $0.name == unit })?.milliseconds else {
            throw ArgumentFault(
                "a length of time is a number and a unit, such as 500ms, 30s, 15m, 1h, 2d, not '\(text)'")
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { throw ArgumentFault("'\(text)' is longer than can be counted in ms") }
        return SpanArgument(milliseconds: product)
    }
}

extension SpanArgument {
    /// As ``parse(_:)``; none is refused.
    @Sendable static func parsePositive(_ text: String) throws -> SpanArgument {
        let span = try parse(text)
        guard span.milliseconds > 0 else { throw ArgumentFault("it takes more than 0, not '\(text)'") }
        return span
    }

    /// The longest unit that it is a whole number of: `5m` for 300000 ms.
    static func text(_ milliseconds: UInt64) -> String {
        let unit = units.last { milliseconds > 0 && milliseconds.isMultiple(of: $0.milliseconds) } ?? units[1]
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
}

/// A version of a model, as it is written on a command line.
enum ModelArgument {
    /// `NAME@VERSION`: the last `@` counts.
    @Sendable static func parse(_ text: String) throws -> ModelVersion {
        guard let cut = text.lastIndex(of: "@"), cut != text.startIndex, text.index(after: cut) != text.endIndex else {
            throw ArgumentFault("a version of a model is written NAME@VERSION, such as sorter@1.2, not '\(text)'")
        }
        return ModelVersion(name: String(text[..<cut]), version: String(text[text.index(after: cut)...]))
    }

    static func text(_ model: ModelVersion) -> String { "\(model.name)@\(model.version)" }
}

/// Bytes and digests in hexadecimal.
enum HexArgument {
    @Sendable static func digest(_ text: String) throws -> Hash {
        guard let hash = Hash(hex: text) else {
            throw ArgumentFault("a SHA-256 is written in 64 lowercase hex digits, not '\(text)'")
        }
        return hash
    }

    @Sendable static func measurement(_ text: String) throws -> [UInt8] {
        guard let bytes = Hex.decode(text), (1...64).contains(bytes.count) else {
            throw ArgumentFault("a measurement is 1 to 64 bytes in lowercase hex, not '\(text)'")
        }
        return bytes
    }

    @Sendable static func nonce(_ text: String) throws -> [UInt8] {
        guard let bytes = Hex.decode(text), (16...32).contains(bytes.count) else {
            throw ArgumentFault("a nonce is 16 to 32 bytes in lowercase hex, not '\(text)'")
        }
        return bytes
    }
}

/// What a grant's actions and resources are written as.
enum PatternArgument {
    @Sendable static func parse(_ text: String) throws -> GrantPattern {
        guard let pattern = GrantPattern(text) else {
            throw ArgumentFault("'\(text)' is no text with at most one *, at its end, such as 'model.*'")
        }
        return pattern
    }
}

/// An Ed25519 key by its file, or by its thumbprint.
enum KeyArgument {
    /// - Parameter text: a key file, or 64 lowercase hex digits.
    static func thumbprint(_ text: String) throws -> Hash {
        if let hash = Hash(hex: text) { return hash }
        guard FileManager.default.fileExists(atPath: text) else {
            throw Failure(
                .usage, "\(Terminal.visible(text)) is neither a key file nor a thumbprint",
                hint:
                    "A thumbprint is 64 lowercase hex digits: holdfast key show FILE prints it, and holdfast identity "
                    + "list those of the keys that are enrolled.")
        }
        return COSEKey(try KeyFile.readPublic(text)).thumbprint
    }
}

extension Role: ExpressibleByArgument {}
extension ContainmentReason: ExpressibleByArgument {}
extension ExecutionOutcome: ExpressibleByArgument {}
