package worker

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/schemaregistry"
	"github.com/berth-connect/berth/host/shadow"
	"github.com/berth-connect/berth/host/task"
)

var _ host.Shadower = (*Worker)(nil)

// CheckShadow implements host.Shadower.
func (w *Worker) CheckShadow(ctx context.Context, connector host.Config, wish host.ShadowWish) error {
	aliases := aliasesOf(connector)
	switch {
	case !slices.Contains(aliases, wish.Alias):
		return host.NotFound(fmt.Sprintf("Connector %s has no transformation %q: its transforms are %q", wish.Connector,
			wish.Alias, connector.Get("transforms")))
	case wish.Version == "" && len(wish.Config) == 0:
		return host.BadRequest("The candidate is missing: give version, config or both, as they are to differ from the " +
			"live transformation's")
	}
	for key, value := range wish.Config {
		if value != nil && strings.Contains(*value, "${") {
			return host.BadRequest(fmt.Sprintf("config.%s refers to a configuration provider, which a shadow does not ask: "+
				"its report shows what the candidate makes of it", key))
		}
	}
	own := w.around(wish.Connector)
	resolved, err := own.resolve(connector)
	if err != nil {
		return host.BadRequest(err.Error())
	}
	candidate := candidateConfig(resolved.Config, wish)
	own.catchUp(ctx, candidate)
	results, err := own.Validator.ValidateFramework(ctx, "", candidate)
	if err != nil {
		return err
	}
	return invalid("", slices.DeleteFunc(results, func(r abi.KeyValidation) bool {
		return !strings.HasPrefix(r.Name, "transforms."+wish.Alias+".")
	}))
}

func aliasesOf(connector host.Config) []string {
	var aliases []string
	for alias := range strings.SplitSeq(connector.Get("transforms"), ",") {
		if alias = strings.TrimSpace(alias); alias != "" {
			aliases = append(aliases, alias)
		}
	}
	return aliases
}

// candidateConfig is a connector's configuration with a candidate in the place of the live transformation.
func candidateConfig(connector host.Config, wish host.ShadowWish) host.Config {
	candidate := maps.Clone(connector)
	for key, value := range wish.Patch() {
		if value == nil {
			delete(candidate, key)
		} else {
			candidate[key] = value
		}
	}
	return candidate
}

// SetShadows implements host.Shadower.
func (w *Worker) SetShadows(connector string, wishes []host.ShadowWish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(wishes) == 0 {
		delete(w.shadows, connector)
	} else {
		w.shadows[connector] = slices.Clone(wishes)
	}
	for id, t := range w.tasks {
		if id.Connector == connector {
			go w.reshadow(id, t)
		}
	}
}

// reshadow makes what runs beside a task what it should be. A source whose stages run in its connector's instance is
// started anew, with the connector by itself: nobody else sees what enters those stages.
func (w *Worker) reshadow(id host.TaskID, t *runningTask) {
	w.mu.Lock()
	wishes, connector := w.shadows[id.Connector], t.connector
	w.mu.Unlock()
	for _, wish := range wishes {
		w.around(id.Connector).catchUp(context.Background(), candidateConfig(connector, wish))
	}
	if t.beside.set(w, wishes) {
		w.Log.Info("a source task is started anew, since a shadow needs its connector in an instance of its own", "connector",
			id.Connector, "task", id.Task)
		w.startAgain(id, t)
	}
}

func (w *Worker) shadowWishes(connector string) []host.ShadowWish {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shadows[connector]
}

// shadowStages are a candidate's stages beside a task: those of live, with another one in the place of its alias.
func (w scope) shadowStages(b *base, wish host.ShadowWish) ([]pipeline.Stage, error) {
	parsed, err := w.parse(b.found.Kind, candidateConfig(b.connector, wish))
	if err != nil {
		return nil, err
	}
	if b.found.Kind == abi.KindSource {
		stages, err := w.sourceStages(b.found, parsed, b.task)
		return stages[min(b.cut, len(stages)):], err
	}
	stages, err := w.sinkStages(b.found, parsed, b.task)
	return stages[:max(len(stages)-1, 0)], err
}

// shadowStart starts the stages of a shadow, with the grants of previews.
func (w *Worker) shadowStart(id host.TaskID, wish host.ShadowWish) shadow.Start {
	log := w.Log.With("connector", id.Connector, "task", id.Task, "shadow", wish.Alias)
	return func(ctx context.Context, g pipeline.Group, cpu *atomic.Int64) (*pipeline.Link, error) {
		return w.startApart(ctx, id, g, guest.Options{Log: log}, wish.Network, cpu)
	}
}

// startApart starts stages that go on behind records that fail, and that have no effect: they get neither files nor the
// worker's standard input and output, schema registries stay as they are, and the network is theirs only if it is both
// asked for and granted.
func (w *Worker) startApart(ctx context.Context, id host.TaskID, g pipeline.Group, opts guest.Options, network bool,
	cpu *atomic.Int64) (*pipeline.Link, error) {
	c := task.Config{ID: id, Errors: task.Tolerance{All: true},
		Run: func(ctx context.Context, g pipeline.Group, plan abi.Plan) (*guest.Instance, error) {
			opts.Engine = w.around(id.Connector).Registry.Granted(g.Digest, g.Plugins()...)
			opts.Engine.Dirs, opts.Engine.Stdin, opts.Engine.Stdout = nil, nil, nil
			if !network {
				opts.Engine.Network = nil
			}
			if cpu != nil { // a shadow
				opts.Engine.Account.Computed = func(_ uint32, d time.Duration, _ uint32) { cpu.Add(int64(d)) }
				limits := &opts.Engine.Limits
				limits.SecondCPU = min(cmp.Or(limits.SecondCPU, host.ShadowSecondCPU), host.ShadowSecondCPU)
			}
			return w.runWith(ctx, g, plan, opts, (*schemaregistry.Registry).ServeUnchanged)
		}}
	return c.Start(ctx, g, nil)
}

// ShadowReports implements host.Shadower.
func (w *Worker) ShadowReports(connector, alias string) []host.ShadowReport {
	w.mu.Lock()
	tasks := maps.Clone(w.tasks)
	w.mu.Unlock()
	var reports []host.ShadowReport
	for id, t := range tasks {
		if id.Connector != connector {
			continue
		}
		if r, has := t.beside.report(alias); has {
			r.Task, r.WorkerID = id.Task, w.config.WorkerID
			reports = append(reports, r)
		}
	}
	slices.SortFunc(reports, func(a, b host.ShadowReport) int { return cmp.Compare(a.Task, b.Task) })
	return reports
}
