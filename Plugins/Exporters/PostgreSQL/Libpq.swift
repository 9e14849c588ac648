// SPDX-License-Identifier: Apache-2.0

import CollectorKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The functions of PostgreSQL's client library, found in it when an exporter starts.
///
/// The program is not linked with the library, so that only who configures the exporter must install it. Tests pass functions of their
/// own. Units: sizes in bytes. Safe to use from any thread; of one connection only one function may run at a time.
struct Libpq: Sendable {
    typealias Handle = OpaquePointer
    typealias Text = UnsafePointer<CChar>
    typealias Values = UnsafePointer<UnsafePointer<CChar>?>

    /// `PQconnectdbParams`.
    var connect: @Sendable (_ keys: Values, _ values: Values, _ expandsName: CInt) -> Handle?
    /// `PQfinish`.
    var finish: @Sendable (Handle) -> Void
    /// `PQstatus`; 0 means that the connection is open.
    var status: @Sendable (Handle) -> CInt
    /// `PQerrorMessage`.
    var errorMessage: @Sendable (Handle) -> Text?
    /// `PQparameterStatus`.
    var parameter: @Sendable (Handle, Text) -> Text?
    /// `PQserverVersion`.
    var serverVersion: @Sendable (Handle) -> CInt
    /// `PQsetNoticeProcessor`.
    var setNoticeProcessor: @Sendable (Handle, NoticeProcessor) -> Void
    /// `PQexec`.
    var execute: @Sendable (Handle, Text) -> Handle?
    /// `PQprepare`.
    var prepare:
        @Sendable (Handle, _ name: Text, _ sql: Text, _ count: CInt, _ types: UnsafePointer<UInt32>?) -> Handle?
    /// `PQexecPrepared`; parameters and results are binary.
    var executePrepared:
        @Sendable (
            Handle, _ name: Text, _ count: CInt, Values?, _ lengths: UnsafePointer<CInt>?,
            _ formats: UnsafePointer<CInt>?
        ) -> Handle?
    /// `PQexecParams`; parameters and results are binary.
    var executeOnce:
        @Sendable (
            Handle, _ sql: Text, _ count: CInt, _ types: UnsafePointer<UInt32>?, Values?,
            _ lengths: UnsafePointer<CInt>?, _ formats: UnsafePointer<CInt>?
        ) -> Handle?
    /// `PQresultStatus`.
    var resultStatus: @Sendable (Handle) -> CInt
    /// `PQresultErrorField`.
    var errorField: @Sendable (Handle, CInt) -> Text?
    /// `PQclear`.
    var clear: @Sendable (Handle) -> Void
    /// `PQntuples`.
    var rowCount: @Sendable (Handle) -> CInt
    /// `PQgetvalue`.
    var value: @Sendable (Handle, CInt, CInt) -> Text?
    /// `PQgetlength`.
    var length: @Sendable (Handle, CInt, CInt) -> CInt
    /// `PQgetisnull`.
    var isNull: @Sendable (Handle, CInt, CInt) -> CInt
    /// `PQfname`.
    var columnName: @Sendable (Handle, CInt) -> Text?

    typealias NoticeProcessor = @convention(c) (UnsafeMutableRawPointer?, Text?) -> Void

    /// The names under which the library is installed.
    static let names = ["libpq.so.5", "libpq.5.dylib"]

    /// Loads the library.
    ///
    /// - Throws: ``StartError`` that names the package, when the library or one of its functions is missing.
    static func load(_ names: [String] = names, for id: ComponentID) throws(StartError) -> Libpq {
        for name in names {
            guard let library = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
            if let functions = Libpq(library) { return functions }
            throw StartError(
                .inputOutput,
                "\(id): the library \(name) is older than PostgreSQL 12; install a newer libpq5"
            )
        }
        throw StartError(
            .inputOutput,
            "\(id): the exporter postgresql needs PostgreSQL's client library \(names.first ?? "libpq"): apt-get install libpq5"
        )
    }
}

extension Libpq {
    private typealias Connect = @convention(c) (Values, Values, CInt) -> Handle?
    private typealias Use = @convention(c) (Handle) -> Void
    private typealias Number = @convention(c) (Handle) -> CInt
    private typealias Message = @convention(c) (Handle) -> Text?
    private typealias Parameter = @convention(c) (Handle, Text) -> Text?
    private typealias SetNotice =
        @convention(c) (Handle, NoticeProcessor, UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
    private typealias Execute = @convention(c) (Handle, Text) -> Handle?
    private typealias Prepare = @convention(c) (Handle, Text, Text, CInt, UnsafePointer<UInt32>?) -> Handle?
    private typealias ExecutePrepared =
        @convention(c) (Handle, Text, CInt, Values?, UnsafePointer<CInt>?, UnsafePointer<CInt>?, CInt) -> Handle?
    private typealias ExecuteOnce =
        @convention(c) (
            Handle, Text, CInt, UnsafePointer<UInt32>?, Values?, UnsafePointer<CInt>?, UnsafePointer<CInt>?, CInt
        ) -> Handle?
    private typealias Field = @convention(c) (Handle, CInt) -> Text?
    private typealias Cell = @convention(c) (Handle, CInt, CInt) -> Text?
    private typealias CellNumber = @convention(c) (Handle, CInt, CInt) -> CInt

    /// nil when a function is missing.
    private init?(_ library: UnsafeMutableRawPointer) {
        func find<Function>(_ name: String, as type: Function.Type) -> Function? {
            dlsym(library, name).map { unsafeBitCast($0, to: type) }
        }
        guard let connect = find("PQconnectdbParams", as: Connect.self), let finish = find("PQfinish", as: Use.self),
            let status = find("PQstatus", as: Number.self), let errorMessage = find("PQerrorMessage", as: Message.self),
            let parameter = find("PQparameterStatus", as: Parameter.self),
            let serverVersion = find("PQserverVersion", as: Number.self),
            let setNotice = find("PQsetNoticeProcessor", as: SetNotice.self),
            let execute = find("PQexec", as: Execute.self), let prepare = find("PQprepare", as: Prepare.self),
            let executePrepared = find("PQexecPrepared", as: ExecutePrepared.self),
            let executeOnce = find("PQexecParams", as: ExecuteOnce.self),
            let resultStatus = find("PQresultStatus", as: Number.self),
            let errorField = find("PQresultErrorField", as: Field.self), let clear = find("PQclear", as: Use.self),
            let rowCount = find("PQntuples", as: Number.self), let value = find("PQgetvalue", as: Cell.self),
            let length = find("PQgetlength", as: CellNumber.self),
            let isNull = find("PQgetisnull", as: CellNumber.self),
            let columnName = find("PQfname", as: Field.self)
        else { return nil }
        self.connect = { connect($0, $1, $2) }
        self.finish = { finish($0) }
        self.status = { status($0) }
        self.errorMessage = { errorMessage($0) }
        self.parameter = { parameter($0, $1) }
        self.serverVersion = { serverVersion($0) }
        setNoticeProcessor = { _ = setNotice($0, $1, nil) }
        self.execute = { execute($0, $1) }
        self.prepare = { prepare($0, $1, $2, $3, $4) }
        self.executePrepared = { executePrepared($0, $1, $2, $3, $4, $5, 1) }
        self.executeOnce = { executeOnce($0, $1, $2, $3, $4, $5, $6, 1) }
        self.resultStatus = { resultStatus($0) }
        self.errorField = { errorField($0, $1) }
        self.clear = { clear($0) }
        self.rowCount = { rowCount($0) }
        self.value = { value($0, $1, $2) }
        self.length = { length($0, $1, $2) }
        self.isNull = { isNull($0, $1, $2) }
        self.columnName = { columnName($0, $1) }
    }
}

/// The numbers of `ExecStatusType` and `PG_DIAG_*` that the store reads (libpq-fe.h, postgres_ext.h).
enum LibpqCode {
    static let commandOK: CInt = 1
    static let tuplesOK: CInt = 2
    static let connectionOK: CInt = 0
    static let sqlState = CInt(UInt8(ascii: "C"))
    static let primaryMessage = CInt(UInt8(ascii: "M"))
}
