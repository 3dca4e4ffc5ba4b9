package host

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// TopicNeedsMax bounds how many needs of topics a plugin has.
	TopicNeedsMax = 64
	// topicBytesMax is Kafka's limit for the name of a topic.
	topicBytesMax = 249
)

// TopicNeed is a need of abi.CapabilityTopics: topics that a connector reads, as a sink, or writes, as a source.
type TopicNeed struct {
	Write   bool
	Pattern string // a name, in which * stands for any characters
}

// ParseTopicNeed reads read:PATTERN or write:PATTERN.
func ParseTopicNeed(text string) (TopicNeed, error) {
	use, pattern, _ := strings.Cut(text, ":")
	if use != "read" && use != "write" || pattern == "" || strings.TrimSpace(pattern) != pattern ||
		len(pattern) > topicBytesMax {
		return TopicNeed{}, fmt.Errorf("%.300q, which must be read:PATTERN or write:PATTERN, of at most %d bytes, where * "+
			"in a pattern stands for any characters", text, topicBytesMax)
	}
	return TopicNeed{use == "write", pattern}, nil
}

// TopicNotNeeded is a use of a topic that a connector's plugin does not ask for in its manifest.
type TopicNotNeeded struct {
	Class string // of the plugin
	Topic string
	Write bool
	Needs []string
}

func (e *TopicNotNeeded) Error() string {
	return fmt.Sprintf("Plugin %s may not %s the topic %s: its manifest needs of topics [%s] alone; use one of these, or "+
		"a version of the plugin that needs it", e.Class, use(e.Write), e.Topic, strings.Join(e.Needs, ", "))
}

func use(write bool) string {
	if write {
		return "write"
	}
	return "read"
}

// Unwrap makes it a refusal.
func (e *TopicNotNeeded) Unwrap() error { return ErrBadRequest }

// JavaClass is what a Kafka that refuses says in Connect.
func (e *TopicNotNeeded) JavaClass() string {
	return "org.apache.kafka.common.errors.TopicAuthorizationException"
}

// CheckTopicNeeds checks a topic against the needs of a plugin. Error: *TopicNotNeeded.
func CheckTopicNeeds(class string, needs []string, topic string, write bool) error {
	if slices.ContainsFunc(needs, func(text string) bool {
		need, err := ParseTopicNeed(text) // they were read when the module was added
		return err == nil && need.Write == write && Matches(need.Pattern, topic)
	}) {
		return nil
	}
	return &TopicNotNeeded{class, topic, write, needs}
}

// PatternsMeet tells whether there is a name that both patterns stand for, in time by the product of their lengths:
// patterns may come from a stranger's manifest.
func PatternsMeet(a, b string) bool {
	next := make([]bool, len(b)+1) // for the rest of a behind the character at hand, whether it meets b[j:]
	for i := len(a); i >= 0; i-- {
		here := make([]bool, len(b)+1)
		for j := len(b); j >= 0; j-- {
			wildA, wildB := i < len(a) && a[i] == '*', j < len(b) && b[j] == '*'
			switch {
			case i == len(a) && j == len(b):
				here[j] = true
			case wildA:
				here[j] = next[j] || j < len(b) && here[j+1]
			case wildB:
				here[j] = here[j+1] || i < len(a) && next[j]
			default:
				here[j] = i < len(a) && j < len(b) && a[i] == b[j] && next[j+1]
			}
		}
		next = here
	}
	return next[0]
}
