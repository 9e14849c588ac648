// SPDX-License-Identifier: Apache-2.0

/// A list in which several items can be selected: its state, and how a key changes it.
struct MultiSelect {
    struct Item: Hashable {
        var title: String
        var remark: String
    }

    let items: [Item]
    private(set) var chosen: Set<Int>
    private(set) var cursor = 0

    init(items: [Item], chosen: Set<Int>) {
        self.items = items
        self.chosen = chosen
        cursor = chosen.min() ?? 0
    }

    mutating func press(_ key: Key) {
        switch key {
        case .up, .sign("k"): cursor = (cursor + items.count - 1) % items.count
        case .down, .sign("j"): cursor = (cursor + 1) % items.count
        case .sign(" "): toggle(cursor)
        case .sign("a"): chosen = chosen.count == items.count ? [] : Set(items.indices)
        case .sign(let sign):
            guard let number = sign.wholeNumberValue, items.indices.contains(number - 1) else { return }
            cursor = number - 1
            toggle(cursor)
        default: break
        }
    }

    private mutating func toggle(_ index: Int) {
        if chosen.remove(index) == nil { chosen.insert(index) }
    }

    /// The list as lines of at most `width` columns.
    func lines(width: Int, style: Style) -> [String] {
        let longest = items.map(\.title.count).max() ?? 0
        return items.enumerated().map { index, item in
            let pointer = index == cursor ? (style.hasUnicode ? "❯" : ">") : " "
            let box = chosen.contains(index) ? "[x]" : "[ ]"
            let title = item.title + String(repeating: " ", count: longest - item.title.count)
            let head = "\(pointer) \(box) \(index + 1) \(title)"
            let remark = String(item.remark.printable.prefix(max(0, width - head.count - 3)))
            return (index == cursor ? style.bold(head) : head) + "  " + style.dim(remark)
        }
    }

    /// The selection that a text names: numbers separated by commas or spaces, `all` or `none`; nil for anything else.
    func named(by text: String) -> Set<Int>? {
        switch text.lowercased() {
        case "all": return Set(items.indices)
        case "none": return []
        default:
            let numbers = text.split { $0 == "," || $0 == " " }.map { Int($0).map { $0 - 1 } }
            guard !numbers.isEmpty, numbers.allSatisfy({ $0.map(items.indices.contains) == true }) else { return nil }
            return Set(numbers.compactMap(\.self))
        }
    }
}
