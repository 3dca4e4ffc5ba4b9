package herder

import "time"

// Limits of the herder, in one place.
const (
	// kafkaWriteDurationMax bounds one write to the config topic with its read-back, as Connect's 30 s.
	kafkaWriteDurationMax = 30 * time.Second
	// shutdownDurationMax bounds the soft stop of all tasks and connectors together; what runs on is given up.
	shutdownDurationMax = 30 * time.Second
	// stopDurationMax bounds the stop of one connector's tasks or of the connector; the runtime's own graceful timeout
	// is shorter.
	stopDurationMax = 30 * time.Second
	// roundWaitMax bounds how long a request waits for the end of a rebalance before it is refused.
	roundWaitMax = 3 * time.Second
	// offsetsRoundWaitMax is that of a request to change offsets: it follows the stop of the connector, for whose tasks
	// the round may have to wait.
	offsetsRoundWaitMax = stopDurationMax
	// followWaitMax bounds how long a restart waits until earlier changes of the connector have been carried out.
	followWaitMax = 3 * time.Second
	// purgeInterval is how long to wait before looking again for what a deleted tenant has, and purgeLooks is how often
	// nothing must be found.
	purgeInterval = time.Second
	purgeLooks    = 2
	// purgeLooksMax is after how many looks that find something an attempt ends, to say what it is; the next one begins
	// after purgeRetryDelay.
	purgeLooksMax   = 60
	purgeRetryDelay = 5 * time.Second
	// purgeOwnDurationMax bounds a look at what a connector's own clients have, and purgeFailuresMax how often it may
	// fail.
	purgeOwnDurationMax = 15 * time.Second
	purgeFailuresMax    = 20
	// statusLookInterval is how long another worker's late words about what runs here may stand.
	statusLookInterval = time.Second
	// fencedLookInterval is how soon a write to the config topic is given up when the session has ended.
	fencedLookInterval = 100 * time.Millisecond
	// fenceDurationMax and fenceDelayMax bound how long and how rarely a starting task asks the leader to fence its
	// predecessors.
	fenceDurationMax = time.Minute
	fenceDelayMax    = 5 * time.Second
	// succeededWaitMax bounds how long the failure of a task waits to be told until it is known that the connector has no
	// newer tasks.
	succeededWaitMax = 5 * time.Second
	// shadowAskDurationMax bounds how long a report waits for other workers.
	shadowAskDurationMax = 10 * time.Second
	// swapWaitMax bounds how long a request for a swap waits for the tasks, whose states swapLookInterval is how often
	// it looks at.
	swapWaitMax      = 30 * time.Second
	swapLookInterval = 5 * time.Millisecond
	// retryDelayMin and retryDelayMax bound the exponential back-off of asking a connector for task configurations, as
	// in Connect.
	retryDelayMin = 250 * time.Millisecond
	retryDelayMax = time.Minute
)
