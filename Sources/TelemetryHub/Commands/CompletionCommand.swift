// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The command `hammurabi completion`.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Prints a completion script for a shell.",
        discussion: """
            bash: hammurabi completion bash > ~/.local/share/bash-completion/completions/hammurabi
            zsh:  hammurabi completion zsh > ~/.zfunc/_hammurabi      (with fpath+=~/.zfunc before compinit)
            fish: hammurabi completion fish > ~/.config/fish/completions/hammurabi.fish
            """
    )

    @Argument(help: ArgumentHelp("bash, zsh or fish.", valueName: "shell"))
    var shell: Shell

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish

        fileprivate var parsers: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    func run() {
        Console.answer(Hammurabi.completionScript(for: shell.parsers) + "\n")
    }
}
