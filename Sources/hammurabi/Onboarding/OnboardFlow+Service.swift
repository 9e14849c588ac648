// SPDX-License-Identifier: Apache-2.0

import Collector
import Glibc
import Onboarding

extension OnboardFlow {
    /// The unit of a service that runs this very program.
    func serviceUnit() throws -> ServiceUnit {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        let program = String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let home = account.programHome
        guard let unit = ServiceUnit(program: program, config: home + "/config.yaml", home: home) else {
            throw Refusal(
                message: "\(program), \(home): a service needs absolute paths on one line; set HAMMURABI_HOME to one",
                exitCode: Exit.badInput
            )
        }
        return unit
    }

    /// Shows what installing the service writes, and asks; nil when nothing is to be installed.
    mutating func planService() throws -> [FileChange]? {
        let unit = try serviceUnit()
        let changes = try unit.changes(account: account, defaultConfig: ConfigOptions.builtIn, in: files)
        var entry = OnboardReport.Entry(name: "service", state: changes.isEmpty ? .unchanged : .wouldWrite)
        entry.files = changes.map {
            OnboardReport.File(path: $0.file.path, isNew: $0.file.content == nil, diff: Diff($0).text)
        }
        defer { report.service = entry }
        say("\(style.bold("Service"))\n")
        for change in changes { say(shown(change)) }
        guard Systemctl.isThere(surroundings) else {
            entry.notes = ["systemd does not serve this user here"]
            entry.state = .manual
            entry.exitCode = options.dryRun ? 0 : Exit.checkSaidNo
            say(
                "  systemd does not serve this user here: start hammurabi run by the means of this system.\n"
            )
            return nil
        }
        if options.dryRun { return nil }
        if let questions {
            let question = changes.isEmpty ? "  Start the service?" : "  Write this and start the service?"
            guard try questions.confirm(question, default: true) else {
                entry.state = .declined
                return nil
            }
        }
        return changes
    }

    /// Writes the unit and starts the service.
    mutating func install(_ changes: [FileChange], _ endpoint: EndpointURL) throws {
        for change in changes {
            try journal.apply(change, subject: "service", now: Console.now())
            say("Wrote \(account.shown(change.file.path)).\n")
        }
        if changes.isEmpty, Systemctl.run(["is-active", "--quiet", ServiceUnit.name], isQuiet: true) {
            return say("The service runs already.\n")
        }
        if report.service?.state == .wouldWrite { report.service?.state = .written }
        let isStarted =
            Systemctl.run(["daemon-reload"]) && Systemctl.run(["enable", ServiceUnit.name])
            && Systemctl.run(["restart", ServiceUnit.name])
        guard isStarted else {
            report.service?.state = .failed
            report.service?.exitCode = Exit.unreachable
            return Console.error("hammurabi: the service did not start; see journalctl --user -u \(ServiceUnit.name)\n")
        }
        say(
            """
            The collector runs as a service at \(endpoint).
              its log:  journalctl --user -u \(ServiceUnit.name)
              stop it:  systemctl --user stop \(ServiceUnit.name)
              remove:   hammurabi onboard --undo --service
              without a login it needs: loginctl enable-linger

            """
        )
    }
}

/// The user's systemd.
enum Systemctl {
    /// Whether it serves this user.
    static func isThere(_ surroundings: Surroundings) -> Bool {
        surroundings.fileExists("/run/systemd/system") && run(["show-environment"], isQuiet: true)
    }

    /// Runs `systemctl --user` with arguments; whether it succeeded.
    @discardableResult
    static func run(_ arguments: [String], isQuiet: Bool = false) -> Bool {
        let words = ["systemctl", "--user"] + arguments
        var pointers = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        // Its words are beside the answer.
        if isQuiet { posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        var process: pid_t = 0
        guard posix_spawnp(&process, "systemctl", &actions, nil, &pointers, environ) == 0 else { return false }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return false } }
        return status == 0
    }
}
