package validate

import "strings"

// What a source says about exactly-once delivery (KIP-618) comes as an answer of its validation: the value of the key
// exactly.once.support is "supported" or "unsupported" (SourceConnector.exactlyOnceSupport; no answer = the connector
// does not say), that of transaction.boundary the same (canDefineTransactionBoundaries; no answer = unsupported, a null
// value = it returned null). An error in such an answer is the exception that the method raised.
const supported = "supported"

// Connect's texts for connectors that do not promise what is asked.
const (
	exactlyOnceOff     = "This worker does not have exactly-once source support enabled."
	exactlyOnceUnknown = "The connector does not implement the API required for preflight validation of exactly-once " +
		"source support. Please consult the documentation for the connector to determine whether it supports exactly-once " +
		`semantics, and then consider reconfiguring the connector to use the value "requested" for this property (which ` +
		"will disable this preflight check and allow the connector to be created)."
	exactlyOnceRefused = "The connector does not support exactly-once semantics with the provided configuration."
	boundaryRefused    = "The connector does not support connector-defined transaction boundaries with the given " +
		"configuration. Please reconfigure it to use a different transaction boundary definition."
	boundaryNull = "This connector has returned a null value from its canDefineTransactionBoundaries method, which is " +
		"not permitted. The connector will be treated as if it cannot define its own transaction boundaries, and cannot be " +
		"configured with 'transaction.boundary' set to 'connector'."
	preflightFailed = "An unexpected error occurred during validation: "
)

// notFacts tells configuration keys from the two keys that carry facts about the connector.
func notFacts(name string) bool { return name != keyExactlyOnce && name != keyBoundary }

// checkSource adds what only a distributed worker checks of a source.
func (w Worker) checkSource(out *outcomes, a answers) {
	if w.Standalone {
		return
	}
	if o := out.at(keyExactlyOnce); len(o.Errors) == 0 && strings.EqualFold(o.value(), "required") {
		if problem := w.exactlyOnceProblem(a); problem != "" {
			o.fail(problem)
		}
	}
	if o := out.at(keyBoundary); len(o.Errors) == 0 && strings.EqualFold(o.value(), "connector") {
		if problem := boundaryProblem(a); problem != "" {
			o.fail(problem)
		}
	}
}

func (w Worker) exactlyOnceProblem(a answers) string {
	fact, said := a.named(keyExactlyOnce)
	switch {
	case !w.ExactlyOnce:
		return exactlyOnceOff
	case said && len(fact.Errors) > 0:
		return preflightFailed + fact.Errors[0]
	case !said || fact.Value == nil:
		return exactlyOnceUnknown
	case *fact.Value != supported:
		return exactlyOnceRefused
	}
	return ""
}

func boundaryProblem(a answers) string {
	fact, said := a.named(keyBoundary)
	switch {
	case !said:
		return boundaryRefused
	case len(fact.Errors) > 0:
		return preflightFailed + fact.Errors[0]
	case fact.Value == nil:
		return boundaryNull
	case *fact.Value != supported:
		return boundaryRefused
	}
	return ""
}
