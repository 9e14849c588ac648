// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import Collector
import CollectorKit
import Onboarding
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Installs the collector as a service of the whole machine, and removes it again.
struct SystemServiceFlow {
    let flow: OnboardFlow

    private var options: OnboardCommand { flow.options }
    private var isForImage: Bool { options.root != nil }

    /// The service that the options mean.
    var service: SystemService {
        SystemService(
            unit: Self.text(hammurabi_system_unit(), hammurabi_system_unit_length()),
            config: Self.text(hammurabi_system_config(), hammurabi_system_config_length()),
            // An image has its program in its own place.
            program: isForImage ? SystemService.packagedProgram : OnboardFlow.thisProgram,
            root: options.root ?? ""
        )
    }

    private static func text(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// Shows what would be written, asks, writes and starts the service.
    func run(_ report: inout OnboardReport) throws {
        let service = service
        if options.print { return flow.say(service.unit) }
        if let fault = service.fault { throw OnboardFlow.Refusal(message: fault, exitCode: Exit.badInput) }
        guard !service.isPackaged(in: flow.files) else {
            throw OnboardFlow.Refusal(
                message: "the package has installed the service already; systemctl enable --now \(SystemService.name)",
                exitCode: Exit.checkSaidNo
            )
        }
        let changes: [FileChange]
        do throws(SettingsError) {
            changes = try service.changes(in: flow.files)
        } catch {
            guard error.kind == .permission, !isForImage, geteuid() != 0 else { throw error }
            throw OnboardFlow.Refusal(
                message: "a service of the machine is installed by root: sudo hammurabi onboard --service --system, "
                    + "or --print to see the unit",
                exitCode: Exit.permission
            )
        }
        var entry = OnboardReport.Entry(name: "system-service", state: changes.isEmpty ? .unchanged : .wouldWrite)
        entry.files = changes.map {
            OnboardReport.File(path: $0.file.path, isNew: $0.file.content == nil, diff: Diff($0).text)
        }
        defer { report.service = entry }
        flow.say("\(flow.style.bold("Service of this machine"))\n")
        for change in changes { flow.say(flow.shown(change)) }
        if options.dryRun { return }
        if let questions = flow.questions {
            let question = isForImage ? "  Write this?" : "  Write this and start the service?"
            guard try questions.confirm(question, default: true) else {
                entry.state = .declined
                return
            }
        }
        for change in changes {
            try flow.changeLog.apply(change, subject: OnboardFlow.systemSubject, now: Console.now())
            flow.say("Wrote \(change.file.path).\n")
        }
        if !changes.isEmpty { entry.state = .written }
        if isForImage {
            return flow.say("The service starts with the image once systemctl enable has been run in it.\n")
        }
        if !start(service) {
            (entry.state, entry.exitCode) = (.failed, Exit.unreachable)
            Console.error("hammurabi: the service did not start; see journalctl -u \(SystemService.name)\n")
        }
    }

    /// Creates the user, gives it its configuration and starts the service; whether it runs.
    private func start(_ service: SystemService) -> Bool {
        guard flow.environment.fileExists("/run/systemd/system") else {
            Console.error("hammurabi: systemd does not run here; the files are written, nothing was started\n")
            return false
        }
        guard Program.run(["systemd-sysusers", "hammurabi.conf"]), let group = getgrnam(SystemService.user) else {
            return false
        }
        // The configuration may name keys: only root changes it, and only the service reads it.
        for (path, mode) in [("/etc/hammurabi", mode_t(0o750)), (service.configPath, 0o640)] {
            guard chown(path, 0, group.pointee.gr_gid) == 0, chmod(path, mode) == 0 else { return false }
        }
        let isStarted = ["daemon-reload", "enable", "restart"].allSatisfy { verb in
            Program.run(["systemctl", verb] + (verb == "daemon-reload" ? [] : [SystemService.name]))
        }
        guard isStarted else { return false }
        flow.say(
            """
            The collector runs as a service of this machine, by \(service.configPath). The first key:
              runuser -u hammurabi -- hammurabi keys create --config /etc/hammurabi/config.yaml --name laptop --scope write
              its log:  journalctl -u \(SystemService.name)
              remove:   hammurabi onboard --undo --service --system

            """
        )
        return true
    }

    /// Stops the service before its files go; its data and its user stay.
    func stop() {
        guard !isForImage, flow.environment.fileExists("/run/systemd/system") else { return }
        Program.run(["systemctl", "disable", "--now", SystemService.name])
    }

    /// Lets systemd know that the files are gone.
    func conclude() {
        guard !isForImage else { return }
        if flow.environment.fileExists("/run/systemd/system") { Program.run(["systemctl", "daemon-reload"]) }
        flow.say("Kept: the data in /var/lib/hammurabi, and the user \(SystemService.user).\n")
    }
}
