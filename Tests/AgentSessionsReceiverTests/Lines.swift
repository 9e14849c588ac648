// SPDX-License-Identifier: Apache-2.0

/// A line of a transcript with an answer.
func answer(
    _ id: String?,
    request: String? = "req_1",
    session: String = "s1",
    time: String = "2026-10-01T09:00:00.000Z",
    model: String = "claude-opus-4-5",
    usage: String =
        #""input_tokens":10,"cache_creation_input_tokens":6,"cache_read_input_tokens":100,"output_tokens":20"#,
    more: String = ""
) -> String {
    // Ids are as long as real ones: a short one is not taken for unique in the world.
    let id = id.map { #""id":"\#($0)-011CskHCQDJPPZoN6tWl05","# } ?? ""
    let request = request.map { #""requestId":"\#($0)-011CskHCQDJPPZoN6tWl05","# } ?? ""
    return #"{"parentUuid":null,"cwd":"/gone/app","sessionId":"\#(session)","version":"2.1.0","gitBranch":"main","#
        + #""message":{\#(id)"model":"\#(model)","content":[{"type":"text","text":"say \"usage\":{\"input_tokens\":9}"}],"#
        + #""usage":{\#(usage)}},\#(request)\#(more)"type":"assistant","uuid":"u-\#(time)","timestamp":"\#(time)"}"#
        + "\n"
}

/// Token figures of Codex: input, cached, output.
typealias Tokens = (Int64, Int64, Int64)

private func json(_ tokens: Tokens) -> String {
    #"{"input_tokens":\#(tokens.0),"cached_input_tokens":\#(tokens.1),"output_tokens":\#(tokens.2),"#
        + #""reasoning_output_tokens":0,"total_tokens":\#(tokens.0 + tokens.2)}"#
}

/// A line of a rollout.
func rolloutLine(_ type: String, _ payload: String, second: Int, ordinal: Int? = nil) -> String {
    let time = "2026-10-01T09:\(String(second / 60 + 100).dropFirst()):\(String(second % 60 + 100).dropFirst()).000Z"
    let ordinal = ordinal.map { #""ordinal":\#($0),"# } ?? ""
    return #"{"timestamp":"\#(time)",\#(ordinal)"type":"\#(type)","payload":\#(payload)}"# + "\n"
}

func meta(_ id: String, more: String = "") -> String {
    rolloutLine(
        "session_meta",
        #"{"id":"\#(id)","cwd":"/gone/app","cli_version":"0.60.1","source":"cli","model_provider":"openai"\#(more)}"#,
        second: 0
    )
}

func turn(_ model: String, second: Int) -> String {
    rolloutLine("turn_context", #"{"model":"\#(model)"}"#, second: second)
}

func total(_ total: Tokens, last: Tokens?, second: Int, ordinal: Int? = nil) -> String {
    let last = last.map { #","last_token_usage":\#(json($0))"# } ?? ""
    return rolloutLine(
        "event_msg",
        #"{"type":"token_count","info":{"total_token_usage":\#(json(total))\#(last)}}"#,
        second: second,
        ordinal: ordinal
    )
}

func record(_ response: String, _ usage: Tokens, total: Tokens, thread: String, second: Int) -> String {
    rolloutLine(
        "token_usage_record",
        #"{"thread_id":"\#(thread)","session_id":"\#(thread)","response_id":"\#(response)","usage":\#(json(usage)),"#
            + #""thread_token_usage":\#(json(total))}"#,
        second: second
    )
}

func rolloutName(_ id: String, folder: String = "sessions/2026/10/01") -> String {
    ".codex/\(folder)/rollout-2026-10-01T09-00-00-\(id).jsonl"
}

/// Ids of the form that Codex uses.
let (threadA, threadB) = ("0199a213-81a0-7800-8aa0-000000000001", "0199a213-81a0-7800-8aa0-000000000002")
