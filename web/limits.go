package web

import (
	"time"

	"github.com/berth-connect/berth/host"
)

// Limits of the REST server, in one place.
const (
	// jsonBodyBytesMax bounds a JSON request body; a Kafka record of a configuration is at most about as large.
	jsonBodyBytesMax = 1 << 20
	// previewBodyBytesMax bounds the body of a preview: its records, and as much again for Base64 and names.
	previewBodyBytesMax = 2 * host.PreviewInputBytesMax
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
	// bodiesBytesMax and modulesBytesMax bound the bodies that all requests hold at a time. JSON takes up to 30 times its
	// length while it is read.
	bodiesBytesMax  = 8 << 20
	modulesBytesMax = 3 * moduleBodyBytesMax
	// answerPieceBytes is how much of an answer is sent under one deadline.
	answerPieceBytes = 256 << 10
	// bodyBytesPerSecondMin is how fast a body must come, after its first bodyDurationMin.
	bodyBytesPerSecondMin = 256 << 10
	// headerBytesMax bounds request line and headers.
	headerBytesMax = 64 << 10

	// requestDurationMax is how long a request may take, as in Connect.
	requestDurationMax = 90 * time.Second
	// healthDurationMax is how long a health check may take (KIP-1017).
	healthDurationMax = 10 * time.Second
	// headerReadDurationMax is how long a client may take to send its headers.
	headerReadDurationMax = 30 * time.Second
	// bodyDurationMin is what the shortest body may take.
	bodyDurationMin = 30 * time.Second
	// answerPieceDurationMax is how long a client may take for a piece of an answer.
	answerPieceDurationMax = 30 * time.Second
	// memoryWaitMax is how long a request waits for others to give back memory.
	memoryWaitMax = 30 * time.Second
	// idleDurationMax is how long a connection may stay open unused.
	idleDurationMax = 90 * time.Second
	// shutdownDurationMax is how long requests under way may take when the server ends.
	shutdownDurationMax = 60 * time.Second
)
