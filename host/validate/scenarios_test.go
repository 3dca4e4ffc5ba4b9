package validate

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// TestRecordedScenarios plays the recorded exchanges that validation answers. Steps that the REST layer answers without
// it (bodies that are no JSON object of scalars, other resources, requests that succeed) are left to that layer; the
// numbers say how many of a file's steps are played.
func TestRecordedScenarios(t *testing.T) {
	played := map[string]int{
		"validate-basic":          32,
		"validate-converters":     22,
		"validate-framework-keys": 35,
		"validate-overrides-all":  5,
		"validate-sink":           18,
		"validate-topic-creation": 15,
		"validate-transforms":     33,
		"validate-types":          39,
		"plugin-config":           45,
		"overrides-none":          6,
		"overrides-principal":     7,
		"eos-disabled":            5,
		"eos-enabled":             12,
		"create-errors":           24,
	}
	plugins := newRecordedPlugins(t)
	for name, want := range played {
		t.Run(name, func(t *testing.T) {
			s := readScenario(t, name)
			v := validatorFor(plugins, s.Profile)
			got := 0
			for i, step := range s.Steps {
				status, body, ok := play(t, v, step)
				if !ok {
					continue
				}
				got++
				if !statusFits(step, status) {
					t.Errorf("step %d %s %s %s: status %d, want %v: %s", i, step.Method, step.Path, short(step.Body), status,
						step.Expect.Status, short(body))
					continue
				}
				if slices.Contains(step.Expect.OrStatus, status) {
					continue
				}
				if step.View == "validate" {
					body = summary(body)
				}
				if body := differences(step.Expect.Body, body, "body"); len(body) > 0 {
					t.Errorf("step %d %s %s %s:\n%s", i, step.Method, step.Path, short(step.Body),
						strings.Join(body[:min(len(body), 6)], "\n"))
				}
			}
			if got != want {
				t.Errorf("%d steps played of %d, want %d", got, len(s.Steps), want)
			}
		})
	}
}

func validatorFor(plugins Plugins, profile string) *Validator {
	policies := map[string]OverridePolicy{"plain": PolicyAll, "guarded": PolicyPrincipal, "locked": PolicyNone}
	v := New(plugins, policies[profile])
	worker := v.worker
	worker.GroupID = "connect-cluster"
	worker.ExactlyOnce = profile == "guarded"
	return v.WithWorker(worker)
}

// play answers a step; ok is false for steps that are not about validation.
func play(t *testing.T, v *Validator, s step) (status int, body any, ok bool) {
	t.Helper()
	target, err := url.Parse(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	path := strings.Split(strings.Trim(target.Path, "/"), "/")
	isPlugin := len(path) >= 3 && path[0] == "connector-plugins" && path[2] == "config"
	switch {
	case s.Method == "GET" && isPlugin && len(path) == 3:
		version := target.Query().Get("version")
		if target.Query().Has("version") && version == "" {
			version = NoVersion
		}
		infos, err := v.PluginConfig(path[1], version)
		return reply(t, infos, err)
	case s.Method == "PUT" && isPlugin && len(path) == 4:
		config, ok := scalars(s.Body)
		if !ok {
			return 0, nil, false
		}
		if err := CheckRequested(path[1], config); err != nil {
			return reply(t, nil, err)
		}
		infos, err := v.Validate(t.Context(), config)
		return reply(t, infos, err)
	case refusedByValidation(s) && (s.Method == "POST" && len(path) == 1 || s.Method == "PUT" && len(path) == 3):
		return store(t, v, path, s)
	}
	return 0, nil, false
}

// refusedByValidation tells whether the step's refusal is the validation's: name rules are the herder's.
func refusedByValidation(s step) bool {
	b, _ := json.Marshal(s.Expect.Body)
	reasons := []string{"Connector configuration is invalid", "contains no connector type", `Failed\\ to\\ find`,
		"availableVersions()", "Unbounded range"}
	return slices.ContainsFunc(reasons, func(text string) bool { return strings.Contains(string(b), text) })
}

// store is a request to create or change a connector, as far as validation decides it.
func store(t *testing.T, v *Validator, path []string, s step) (int, any, bool) {
	name, body := "", s.Body
	if s.Method == "POST" {
		request, ok := s.Body.(map[string]any)
		if !ok {
			return 0, nil, false
		}
		name, _ = request["name"].(string)
		body = request["config"]
	} else {
		name = path[1]
	}
	config, ok := scalars(body)
	if !ok {
		return 0, nil, false
	}
	if _, given := config[keyName]; !given {
		config[keyName] = text(abi.TrimConfig(name))
	}
	infos, err := v.Validate(t.Context(), config)
	if err == nil {
		err = Refusal(infos)
	}
	return reply(t, infos, err)
}

// scalars reads a JSON object as the REST layer does: numbers and booleans become their text.
func scalars(body any) (host.Config, bool) {
	object, ok := body.(map[string]any)
	config := host.Config{}
	for name, value := range object {
		switch value := value.(type) {
		case nil:
			config[name] = nil
		case string:
			config[name] = &value
		case json.Number:
			config[name] = text(value.String())
		case bool:
			config[name] = text(map[bool]string{true: "true", false: "false"}[value])
		default:
			ok = false
		}
	}
	return config, ok
}

func reply(t *testing.T, answer any, err error) (int, any, bool) {
	t.Helper()
	status := 200
	if err != nil {
		err = Shown(err)
		status = 500
		for kind, code := range map[error]int{host.ErrBadRequest: 400, host.ErrNotFound: 404} {
			if errors.Is(err, kind) {
				status = code
			}
		}
		answer = map[string]any{"error_code": status, "message": err.Error()}
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var body any
	if err := decoder.Decode(&body); err != nil {
		t.Fatal(err)
	}
	return status, body, true
}

func statusFits(s step, status int) bool {
	want, _ := s.Expect.Status.(json.Number)
	code, _ := want.Int64()
	return int(code) == status || slices.Contains(s.Expect.OrStatus, status)
}
