package validate

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
)

// answers is what a plugin says about its configuration, by key.
type answers []abi.KeyValidation

// ask lets the connector's own validation run.
func (s *session) ask(ctx context.Context) error {
	found, err := s.plugins.Check(ctx, s.plugin, s.plugin.Kind, s.config)
	if err != nil {
		return failure(err)
	}
	s.answers = found
	return nil
}

// askElements lets aliased plugins check the keys that only they can check. They know nothing of prefixes, so what
// they say in the words of the framework (a missing key, a wrong type) is known already under the full name.
func (s *session) askElements(ctx context.Context, elements []element, out *outcomes) error {
	for _, e := range elements {
		if !needsGuest(e.plugin) {
			continue
		}
		config := stripped(s.config, e.prefix)
		found, err := s.plugins.Check(ctx, e.plugin, e.plugin.Kind, config)
		if err != nil {
			return failure(err)
		}
		known := validated(s.declared(e.plugin), config)
		answers(found).without(known).addTo(out, e.prefix, nil)
	}
	return nil
}

// needsGuest tells whether a plugin has checks of its own; asking costs an instance.
func needsGuest(plugin abi.Plugin) bool {
	return slices.ContainsFunc(plugin.Config.Keys, func(k abi.ConfigKey) bool {
		return k.Validator != nil && (k.Validator.Kind == abi.ValidCustom || k.Validator.Kind == abi.ValidRegex)
	})
}

// badRequest is the exception with which a plugin, or the framework on its behalf, answers 400.
const badRequest = "org.apache.kafka.connect.runtime.rest.errors.BadRequestException"

// failure is the error of a plugin's validation; what the plugin itself said goes to the user as Connect shows it.
func failure(err error) error {
	var said *guest.Failure
	if errors.As(err, &said) {
		e := &host.Error{Kind: host.ErrInternal, Message: said.Message, Class: guest.Class(said.Code, said.Class)}
		if e.Class == badRequest {
			e.Kind = host.ErrBadRequest
		}
		return e
	}
	var known *host.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &host.Error{Kind: host.ErrInternal, Message: err.Error()}
}

// Shown is the answer to a request to validate that failed: an exception of the plugin is named, and 500 in any case. A
// request to create the connector shows the text alone, by its kind.
func Shown(err error) error {
	var raised *host.Error
	if errors.As(err, &raised) && raised.Class != "" {
		return &host.Error{Kind: host.ErrInternal, Message: raised.Class + ": " + raised.Message}
	}
	return err
}

// addTo adds the answers to results; wanted (nil = all) chooses among them. Messages that are there already are not
// repeated: an SDK may check what the host has checked.
func (a answers) addTo(out *outcomes, prefix string, wanted func(name string) bool) {
	for _, answer := range a {
		if wanted != nil && !wanted(answer.Name) {
			continue
		}
		known := out.byName[prefix+answer.Name] != nil
		o := out.at(prefix + answer.Name)
		if !known && answer.Value != nil {
			o.Value = answer.Value
		}
		for _, message := range answer.Errors {
			if !slices.Contains(o.Errors, message) {
				o.fail(message)
			}
		}
		if len(answer.Recommended) > 0 {
			o.Recommended = answer.Recommended
		}
		o.Visible = o.Visible && answer.Visible
	}
}

// without leaves out the messages that are known.
func (a answers) without(known *outcomes) answers {
	var rest answers
	for _, answer := range a {
		answer.Errors = slices.DeleteFunc(slices.Clone(answer.Errors), func(message string) bool {
			return slices.Contains(known.at(answer.Name).Errors, message)
		})
		rest = append(rest, answer)
	}
	return rest
}

// named returns the answer for a key.
func (a answers) named(name string) (abi.KeyValidation, bool) {
	i := slices.IndexFunc(a, func(answer abi.KeyValidation) bool { return answer.Name == name })
	if i < 0 {
		return abi.KeyValidation{}, false
	}
	return a[i], true
}

// stripped returns the entries under a prefix, without it.
func stripped(config host.Config, prefix string) host.Config {
	own := host.Config{}
	for name, value := range config {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			own[rest] = value
		}
	}
	return own
}
