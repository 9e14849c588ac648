// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

@Suite struct ProjectPathTests {
    @Test(
        arguments: [
            ("/home/me/api", "/home/me/api"), ("/home/me//api/.", "/home/me/api"),
            ("/home/me/Open Source/ショップ", "/home/me/Open Source/ショップ"), ("/w/shop\\x", "/w/shop\\x"),
            // ccusage/ccusage#1375
            (#"C:\Users\me\src\my.app"#, "/C:/Users/me/src/my.app"), (#"c:/Users/me\src"#, "/C:/Users/me/src"),
            ("/mnt/c/Users/me/src/my.app", "/C:/Users/me/src/my.app"), (#"\\?\C:\src\web"#, "/C:/src/web"),
            ("/mnt/data/api", "/mnt/data/api"), (#"D:\"#, nil), ("/mnt/d", nil),
            // anthropics/claude-code#9221
            (#"\\wsl.localhost\Ubuntu\home\me\api"#, "/home/me/api"), (#"\\wsl$\Ubuntu\home\me\api"#, "/home/me/api"),
            (#"\\WSL$\Debian\mnt\c\src\web"#, "/C:/src/web"), (#"\\wsl$\Ubuntu"#, nil),
            ("//wsl.localhost/Ubuntu/home/me/api", "/home/me/api"), ("//wsl$/Debian/mnt/c/src/web", "/C:/src/web"),
            ("//WSL.localhost/Ubuntu", nil), ("//server/share/api", "/server/share/api"),
            (#"\\server\share\api"#, "//server/share/api"), (#"\\?\UNC\server\share\api"#, "//server/share/api"),
            // anthropics/claude-code#36275
            ("/w/shop/.claude/worktrees/fix-1", "/w/shop"), ("/w/shop/.claude/worktrees/fix-1/Sources", "/w/shop"),
            (#"C:\src\web\.claude\worktrees\fix-2"#, "/C:/src/web"),
            ("/w/shop/.claude/worktrees", "/w/shop/.claude/worktrees"),
            ("/home/me/.codex/worktrees/1a2b/api", "api"), (#"C:\Users\me\.codex\worktrees\1a2b\api\src"#, "api"),
            ("/", nil), ("", nil), (".", nil), ("api", nil), ("work/api", nil), ("c:", nil), ("C:api", nil),
            (#"\api"#, nil),
            ("https://example.com/api", nil), ("git@example.com:me/api", nil),
        ] as [(String, String?)]
    )
    func `a path is written one way, whichever system named it`(text: String, key: String?) {
        #expect(ProjectPath.key(of: text) == key)
        #expect(key.map { !ProjectPath.isPath($0) || ProjectPath.key(of: $0) == $0 || $0.hasPrefix("//") } ?? true)
    }

    @Test(
        arguments: [
            ("/home/me/web", "web"), ("/home/me/web/", "web"), ("/web//", "web"), ("/", "/"), ("//", "//"), ("", ""),
            ("web", "web"), ("git@host:me/web", "git@host:me/web"), ("/C:/src/é ü", "é ü"), ("//server/👩‍👩‍👧", "👩‍👩‍👧"),
        ]
    )
    func `a project is called by the last part of its path`(key: String, name: String) {
        #expect(ProjectPath.name(of: key) == name)
    }

    @Test func `the disks of Windows are looked for where Linux mounts them`() {
        #expect(ProjectPath.mounted("/C:/src/web") == "/mnt/c/src/web")
        #expect(ProjectPath.mounted("/home/me") == "/home/me")
        #expect(ProjectPath.mounted("//server/share") == nil && ProjectPath.mounted("api") == nil)
    }
}

@Suite struct ProjectLabelTests {
    private func labels(_ keys: [String]) -> [String] {
        let labels = ProjectLabels(keys)
        return keys.map(labels.label)
    }

    /// ccusage/ccusage#1601.
    @Test func `the label is the shortest tail that no other project has`() {
        #expect(labels(["/home/me/work/api"]) == ["api"])
        #expect(labels(["/home/me/work/api", "/home/me/oss/api"]) == ["work/api", "oss/api"])
        #expect(labels(["/a/x/api", "/b/x/api", "/b/y/api"]) == ["a/x/api", "b/x/api", "y/api"])
        #expect(labels(["/api", "/x/api", "/web"]) == ["/api", "x/api", "web"])
        #expect(labels(["/s/d", "//s/d"]) == ["/s/d", "//s/d"])
    }

    @Test func `a name that one path ends in means that path`() {
        #expect(labels(["api", "/home/me/work/api"]) == ["api", "api"])
        #expect(labels(["work/api", "/home/me/work/api"]) == ["api", "api"])
        #expect(labels(["api", "/w/api", "/o/api"]) == ["api", "w/api", "o/api"])
        #expect(labels(["w/api", "/w/api", "/o/api"]) == ["w/api", "w/api", "o/api"])
        #expect(labels(["pi", "/w/api", ""]) == ["pi", "api", ""])
    }

    @Test func `two projects never share a label`() {
        let parts = ["a", "b", "api", "C:"]
        var keys: Set<String> = ["api", "a/api", "b", "c", "a/b/api"]
        for first in parts {
            for second in parts {
                for third in parts {
                    keys.formUnion(["/\(first)", "/\(first)/\(second)", "/\(first)/\(second)/\(third)"])
                }
            }
        }
        let labels = ProjectLabels(keys)
        let paths = keys.filter(ProjectPath.isPath)
        #expect(Set(paths.map(labels.label)).count == paths.count)
        for key in keys { #expect(labels.keys(meantBy: labels.label(key)).contains(key)) }
    }

    @Test func `a project is asked for by label, by path in any spelling and by what several end in`() {
        let labels = ProjectLabels(["/C:/work/api", "/o/api", "web", "/o/web", "/only"])
        #expect(labels.keys(meantBy: "work/api") == ["/C:/work/api"])
        #expect(labels.keys(meantBy: #"c:\work\api"#) == ["/C:/work/api"])
        #expect(labels.keys(meantBy: "/mnt/c/work/api/.claude/worktrees/x") == ["/C:/work/api"])
        #expect(labels.keys(meantBy: "api") == ["/C:/work/api", "/o/api"])
        #expect(
            labels.keys(meantBy: "web") == ["web", "/o/web"] && labels.keys(meantBy: "/o/web") == ["web", "/o/web"]
        )
        #expect(labels.keys(meantBy: "none") == ["none"] && labels.keys(meantBy: "/none") == ["/none"])
    }

    @Test func `no label depends on the order of the projects`() {
        let keys = ["/a/x/api", "/b/x/api", "x/api", "api", "/b/y/api", "/api"]
        let first = keys.map(ProjectLabels(keys).label)
        #expect(keys.map(ProjectLabels(keys.reversed()).label) == first)
    }
}
