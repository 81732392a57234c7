/// The commented configuration file: every setting with what it is for and its default, those that are set uncommented.
enum ExampleConfiguration {
    /// - Parameter set: what is said in the file; everything else is there as a comment, with its default.
    static func text(setting set: [ServeSetting: ServeSetting.Value] = [:]) -> String {
        var text = """
            # Configuration of a holdfast log (holdfast serve). YAML, one level.
            #
            # Every setting can also be given as a flag (--max-batch 100) or in the environment (HOLDFAST_MAX_BATCH=100).
            # The flag counts before the environment, the environment before this file, this file before the default.
            # The lines that are commented out say the default.

            """
        for setting in ServeSetting.allCases {
            if let heading = setting.heading { text += "\n#\n# \(heading)\n#\n" }
            text += "\n# \(setting.help)\n"
            if let value = set[setting] {
                text += "\(setting.rawValue): \(value.yaml)\n"
            } else {
                text += "#\(setting.rawValue): \(setting.value.yaml)\n"
            }
        }
        return text
    }
}
