import Foundation

/// What can be measured without a server. Each part prints one JSON object; `tools/bench/run` puts them together.
@main
struct Bench {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        func number(_ position: Int, or other: Int) -> Int {
            position < arguments.count ? Int(arguments[position]) ?? other : other
        }
        var report: [String: Double]
        switch arguments.first {
        case "limits":
            report = try Limits.measure(seconds: Double(number(2, or: 3)), directory: arguments[1])
        case "verifications":
            let seconds = arguments.count > 2 ? Double(arguments[2]) : nil
            report = Limits.slice(seconds: seconds ?? Rounds.slice)
        case "pipeline":
            report = try await Pipeline.measure(directory: arguments[1], count: number(2, or: 100_000))
        case "growth":
            report = try await Growth.measure(directory: arguments[1], size: number(2, or: 1_000_000))
        case "state":
            report = try StateCost.measure(directory: arguments[1], largest: number(2, or: 100_000))
        case "gate":
            report = try GateCost.measure(evaluations: number(2, or: 20_000))
        case "contents":
            report = try await Contents.measure(directory: arguments[1])
        default:
            let parts = "limits|verifications|pipeline|growth|state|gate|contents"
            FileHandle.standardError.write(Data("usage: holdfast-bench \(parts) DIRECTORY [NUMBER]\n".utf8))
            exit(2)
        }
        report["entries"] = report["entries"] ?? 0
        let data = try JSONSerialization.data(withJSONObject: report, options: [.sortedKeys])
        FileHandle.standardOutput.write(data + Data("\n".utf8))
    }

    /// Says how far a long part is.
    static func progress(_ text: String) {
        FileHandle.standardError.write(Data("    \(text)\n".utf8))
    }
}
