// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

extension OTLPHTTPConfig {
    /// What each key means.
    public static let documentation = [
        "endpoint":
            "the base address, such as https://hub.example.com:4318; /v1/traces, /v1/logs or /v1/metrics is appended",
        "traces_endpoint": "the whole address for traces",
        "logs_endpoint": "the whole address for logs",
        "metrics_endpoint": "the whole address for metrics",
        "headers": "header fields of every request, such as Authorization; never shown",
        "compression": "gzip or none",
        "compression_params": "how hard bodies are compressed",
        "compression_params.level": "1: fastest, 9: smallest",
        "encoding": "proto or json",
        "timeout": "how long an attempt may take",
        "proxy_url": "the HTTP proxy for requests, such as http://proxy:3128",
        "usage_attributes":
            "write tokens (gen_ai.usage.*), model, provider and cost (gen_ai.usage.cost, hammurabi.cost.usd) of each call onto one of its records, hammurabi.call.id onto all",
        "retry_on_failure": "what happens when the destination cannot take a batch now",
        "retry_on_failure.enabled": "false: a batch that is not taken at once goes to the dead letters",
        "retry_on_failure.initial_interval": "the wait before the second attempt",
        "retry_on_failure.randomization_factor": "by which part of itself a wait is shorter or longer by chance",
        "retry_on_failure.multiplier": "how much longer each wait is than the one before",
        "retry_on_failure.max_interval": "the longest wait, unless the destination asks for a longer one",
        "retry_on_failure.max_elapsed_time": "after how long a batch goes to the dead letters; 0s: never",
        "sending_queue": "where batches wait",
        "sending_queue.enabled": "false: senders wait for the destination's own answer",
        "sending_queue.num_consumers": "requests under way at once, of each signal",
        "sending_queue.queue_size":
            "how much may wait, of each signal: a size such as 1GiB, or a count of what sizer says",
        "sending_queue.sizer": "what a queue_size without a unit counts: requests, items or bytes; auto: requests",
        "sending_queue.block_on_overflow":
            "true: senders wait up to ten seconds for room before they are told to try again",
        "sending_queue.overflow":
            "block: senders get 503 and try again; drop_oldest: the oldest batches are given up and counted as dropped",
        "sending_queue.storage": "file: survives whatever happens; memory: is lost with the process",
        "sending_queue.directory": "the folder of the queue; empty: $HAMMURABI_HOME/queue/ID",
        "sending_queue.batch": "how batches become requests",
        "sending_queue.batch.flush_timeout": "how long a batch waits for others",
        "sending_queue.batch.min_size": "from how much on a request goes at once",
        "sending_queue.batch.max_size": "how much a request has at most; 0: 1 MiB, unless one batch has more",
        "sending_queue.batch.sizer": "what sizes without a unit count: items or bytes",
        "dead_letters": "where batches go that the destination refuses for good; see `hammurabi queue`",
        "dead_letters.max_size": "how many bytes of them are kept, the newest; 0: none",
        "tls": "how the destination is known, and this collector",
        "tls.insecure": "has no effect: http:// or https:// in the address decides",
        "tls.insecure_skip_verify": "true: anybody is taken for the destination; for tests only",
        "tls.server_name_override": "the name that the destination's certificate must have",
        "tls.ca_file": "PEM file of who vouches for the destination; empty: the system's authorities",
        "tls.include_system_ca_certs_pool": "true: the system's authorities are trusted beside ca_file",
        "tls.cert_file": "PEM file of the certificate that this collector shows",
        "tls.key_file": "PEM file of its key",
        "tls.min_version": "the oldest version of TLS that is spoken",
    ]
}

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not offered.
extension OTLPHTTPConfig: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = [
        "auth": "remove it and write headers: { Authorization: \"Bearer ${env:TOKEN}\" }",
        "profiles_endpoint": "remove it: profiles are no signal here",
        "read_buffer_size": pooled, "write_buffer_size": pooled, "max_idle_conns": pooled,
        "max_idle_conns_per_host": pooled, "max_conns_per_host": "remove it; sending_queue.num_consumers says how many",
        "idle_conn_timeout": pooled, "disable_keep_alives": pooled, "force_attempt_http2": pooled,
        "http2_read_idle_timeout": pooled, "http2_ping_timeout": pooled, "cookies": "remove it: none are kept",
        "middlewares": "remove it: there are none",
    ]

    private static let pooled = "remove it: connections are pooled and closed by themselves"
}

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not offered.
extension OTLPHTTPConfig.SendingQueue: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = [
        "wait_for_result": "remove it; enabled: false lets senders wait for the destination's answer"
    ]
}

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not offered.
extension OTLPHTTPConfig.Batching: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = ["partition": "remove it: requests are not divided by metadata"]
}

/// What to tell whoever brings a key of the OpenTelemetry Collector that is not offered.
extension OTLPHTTPConfig.TLS: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = [
        "ca_pem": file, "cert_pem": file, "key_pem": file,
        "reload_interval": "remove it: files are read at the start; reload the collector to read them again",
        "max_version": "remove it: the newest version is spoken", "cipher_suites": library,
        "curve_preferences": library,
    ]

    private static let file = "name a file: ca_file, cert_file or key_file"
    private static let library = "remove it: the TLS library chooses"
}
