// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage

/// Which blocks of calls are as they were when they were read.
struct QualityPartsTests {
    private func isUnchanged(_ block: Int64, since revision: Int64, at present: Int64, _ parts: inout QualityParts)
        -> Bool
    {
        parts.isUnchanged(block, since: revision, at: present)
    }

    /// Knows the changes from revision 5 on.
    private func noted() -> QualityParts {
        var parts = QualityParts()
        #expect(isUnchanged(0, since: 5, at: 5, &parts))
        return parts
    }

    @Test func `only blocks that changed are other ones`() {
        var parts = noted()
        parts.note([1, 7], in: 6)
        #expect(isUnchanged(0, since: 5, at: 6, &parts))
        #expect(!isUnchanged(1, since: 5, at: 6, &parts))
        #expect(isUnchanged(1, since: 6, at: 6, &parts))
    }

    @Test func `a change that comes while a question is answered is seen by the next`() {
        var parts = noted()
        parts.note([0], in: 6)
        #expect(!isUnchanged(0, since: 5, at: 6, &parts))
    }

    @Test func `an earlier state takes nothing from a later one`() {
        var parts = noted()
        parts.note([], in: 6)
        #expect(!isUnchanged(0, since: 6, at: 5, &parts))
    }

    @Test(arguments: [false, true])
    func `after a gap in the revisions or a failed transaction nothing is known of before`(fails: Bool) {
        var parts = noted()
        if fails { parts.forget() } else { parts.note([], in: 7) }
        #expect(!isUnchanged(0, since: 5, at: 7, &parts))
        #expect(isUnchanged(0, since: 7, at: 7, &parts))
    }
}
