package web

import "time"

// Limits of the REST server, in one place.
const (
	// jsonBodyBytesMax bounds a JSON request body; a Kafka record of a configuration is at most about as large.
	jsonBodyBytesMax = 1 << 20
	// moduleBodyBytesMax bounds an uploaded module, with some room for the multipart frame.
	moduleBodyBytesMax = 64<<20 + 64<<10
	// auditTextBytesMax bounds path and query in a record of the audit log.
	auditTextBytesMax = 2 << 10
	// answerBytesMax bounds what is read of another worker's answer: a connector's configuration with its tasks.
	answerBytesMax = 16 << 20
	// leaderConnectionsMax is how many unused connections to another worker are kept.
	leaderConnectionsMax = 8
	// numberCharsMax bounds a number in a configuration, as Jackson does.
	numberCharsMax = 1000
	// headerBytesMax bounds request line and headers.
	headerBytesMax = 64 << 10

	// requestDurationMax is how long a request may take, as in Connect.
	requestDurationMax = 90 * time.Second
	// healthDurationMax is how long a health check may take (KIP-1017).
	healthDurationMax = 10 * time.Second
	// headerReadDurationMax is how long a client may take to send its headers.
	headerReadDurationMax = 30 * time.Second
	// idleDurationMax is how long a connection may stay open unused.
	idleDurationMax = 90 * time.Second
	// shutdownDurationMax is how long requests under way may take when the server ends.
	shutdownDurationMax = 60 * time.Second
)
