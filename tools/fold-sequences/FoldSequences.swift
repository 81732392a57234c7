import Foundation
import Governance

/// Writes logs of random statements with what the fold makes of each, for `tools/fold/fold.py sequences`, which folds
/// them a second time:
///
///     fold-sequences FIRST-SEED COUNT STEPS
///
/// A seed makes the same log each time. A line is `log SEED`, `genesis HEX`, `batch TIME`, `seal HEX`, or a candidate:
/// `ok HEX` if it was admitted, the reason's name and HEX if it was refused.
@main
struct FoldSequences {
    static func main() throws {
        let numbers = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
        guard numbers.count == 3, CommandLine.arguments.count == 4 else {
            FileHandle.standardError.write(Data("usage: fold-sequences FIRST-SEED COUNT STEPS\n".utf8))
            exit(2)
        }
        for seed in numbers[0]..<numbers[0] + numbers[1] {
            var generator = try Generator(seed: seed)
            var afterwards = 0
            for _ in 0..<numbers[2] where afterwards < 20 {
                try generator.step()
                // Some statements are tried on a frozen log.
                if try generator.log.fold.value(.frozen) != nil { afterwards += 1 }
            }
            generator.log.seal()
            FileHandle.standardOutput.write(Data(generator.log.lines.joined(separator: "\n").utf8) + Data([0x0a]))
        }
    }
}

/// A generator of numbers that a seed fixes (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
