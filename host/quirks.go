package host

import "strings"

// KafkaQuirksKey is the worker's property that has it repeat what Kafka Connect does to offsets by fault, for comparing
// both workers byte by byte: FileStreamSourceTask's positions, the keys of the offsets API, and its requests that don't
// end. Tasks of sources find the key in their configuration then, which is neither stored nor shown.
const KafkaQuirksKey = "berth.kafka.quirks.enable"

// KafkaQuirks tells whether a worker with these properties repeats Kafka Connect's faults.
func KafkaQuirks(worker map[string]string) bool {
	return strings.EqualFold(strings.TrimSpace(worker[KafkaQuirksKey]), "true")
}
