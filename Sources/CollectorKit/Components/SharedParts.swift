// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import Usage

/// Objects that the components of one id share over all pipelines, signals and reloads of a collector.
///
/// Each pipeline has its own instance of a processor; an instance that needs data from another pipeline keeps it here. Safe to use from
/// many tasks at once.
public final class SharedParts: Sendable {
    private let parts = Mutex<[ComponentID: any Sendable]>([:])
    private let credentials = Mutex<[ComponentID: any ClientCredentials]>([:])
    private let limitBook = Mutex<LimitBook?>(nil)
    private let prices = Mutex<Pricing?>(nil)

    /// Creates an empty table.
    public init() {}

    /// The shared object of a component, created when there is none of that type.
    public func part<Part: Sendable>(of id: ComponentID, _ make: () -> Part) -> Part {
        parts.withLock { parts in
            if let known = parts[id] as? Part { return known }
            let part = make()
            parts[id] = part
            return part
        }
    }

    /// The limits of subscriptions that agents reported: one book for all components.
    ///
    /// - Parameter home: The folder under which the program keeps its files.
    public func limits(in home: String) -> LimitBook {
        limitBook.withLock { book in
            if let book { return book }
            let new = LimitBook(home: home)
            book = new
            return new
        }
    }

    /// The prices of the newest processor that has some, for batches that waited in a queue; nil without one.
    public var pricing: Pricing? { prices.withLock { $0 } }

    /// Offers prices, in the place of those of an earlier processor.
    public func provide(_ pricing: Pricing) { prices.withLock { $0 = pricing } }

    /// What the extension of an id lets exporters show; nil while it does not run.
    public func clientCredentials(of id: ComponentID) -> (any ClientCredentials)? { credentials.withLock { $0[id] } }

    /// Offers credentials under the id of an extension, in the place of those of an earlier one.
    public func provide(_ provider: any ClientCredentials, of id: ComponentID) {
        credentials.withLock { $0[id] = provider }
    }

    /// Withdraws credentials, unless those of a later extension are in their place.
    public func withdraw(_ provider: any ClientCredentials, of id: ComponentID) {
        credentials.withLock { if $0[id] === provider { $0[id] = nil } }
    }
}
