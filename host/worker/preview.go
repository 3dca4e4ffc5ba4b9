package worker

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/preview"
	"github.com/berth-connect/berth/host/validate"
)

var _ host.Previewer = (*Worker)(nil)

// Preview implements host.Previewer.
func (w *Worker) Preview(ctx context.Context, request host.PreviewRequest) (host.Preview, error) {
	select {
	case w.previews <- struct{}{}:
		defer func() { <-w.previews }()
	case <-ctx.Done():
		return host.Preview{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, host.PreviewDurationMax)
	defer cancel()
	own := w.of(request.Tenant)
	chain, err := own.previewChain(request)
	if err != nil {
		return host.Preview{}, err
	}
	stages, err := own.previewStages(ctx, chain, request.Config)
	if err != nil {
		return host.Preview{}, err
	}
	records, err := own.previewRecords(ctx, chain, request)
	if err != nil {
		return host.Preview{}, err
	}
	answer := host.Preview{Chain: chain}
	for _, s := range stages {
		answer.Stages = append(answer.Stages, host.PreviewStage{Name: s.Name(), Kind: s.Kind, Alias: s.Alias,
			Class: s.Found.Class, Version: s.Found.Version, Module: s.Found.Module, Digest: s.Found.Digest})
	}
	var said logLines
	answer.Records, err = preview.Run(ctx, stages, records, w.previewStart(request, slog.New(&said)))
	answer.Log = said.lines
	return answer, err
}

// previewChain is the chain that a request means.
func (w scope) previewChain(request host.PreviewRequest) (string, error) {
	switch request.Chain {
	case host.PreviewSource, host.PreviewSink, host.PreviewTransforms:
		return request.Chain, nil
	case "":
	default:
		return "", host.BadRequest(fmt.Sprintf("chain is %q: it must be %s, %s or %s", request.Chain, host.PreviewSource,
			host.PreviewSink, host.PreviewTransforms))
	}
	switch w.ConnectorKind(previewName(request.Tenant), request.Config) {
	case string(host.KindSource):
		return host.PreviewSource, nil
	case string(host.KindSink):
		return host.PreviewSink, nil
	}
	return "", host.BadRequest(fmt.Sprintf("chain is missing, and config has no connector.class of this worker to tell "+
		"it by: set chain to %s, %s or %s", host.PreviewSource, host.PreviewSink, host.PreviewTransforms))
}

// previewStages makes the stages of a chain out of a connector's configuration, of which only the keys of converters,
// transformations and predicates count. Modules that other workers were given a moment ago are waited for.
func (w scope) previewStages(ctx context.Context, chain string, config host.Config) ([]pipeline.Stage, error) {
	config, err := w.chainConfig(config)
	if err != nil {
		return nil, err
	}
	if problems := w.chainProblems(ctx, config); problems != nil && w.Registry.CatchUp(ctx) != nil {
		return nil, problems
	}
	if problems := w.chainProblems(ctx, config); problems != nil {
		return nil, problems
	}
	stages, err := w.chainStages(chain, config)
	if err != nil {
		return nil, err
	}
	if len(stages) == 0 {
		return nil, host.BadRequest("the chain has no stage: name transformations in transforms, or set chain to " +
			host.PreviewSource + " or " + host.PreviewSink + ", which have converters")
	}
	return stages, w.converterProblems(ctx, stages)
}

// chainKeys begin the keys of a connector's configuration that concern the chain.
var chainKeys = []string{"transforms", "predicates", "key.converter", "value.converter", "header.converter"}

// chainConfig is a connector's configuration with the keys of its chain, and what no configuration does without.
// References to configuration providers become values in converters only: what a transformation is given it may show.
func (w scope) chainConfig(config host.Config) (host.Config, error) {
	open, converters := host.Config{}, host.Config{}
	for key, value := range config {
		for i, name := range chainKeys {
			if key != name && !strings.HasPrefix(key, name+".") {
				continue
			}
			if i < 2 {
				open[key] = value
			} else {
				converters[key] = value
			}
		}
	}
	resolved, err := w.resolve(converters)
	if err != nil {
		return nil, host.BadRequest(err.Error())
	}
	maps.Copy(open, resolved.Config)
	name := "preview"
	open["name"], open["connector.class"], open["topics"] = &name, &name, &name
	return open, nil
}

// chainProblems checks what the framework and the plugins know of a chain's keys.
func (w scope) chainProblems(ctx context.Context, config host.Config) error {
	results, err := w.Validator.ValidateFramework(ctx, "", config)
	if err != nil {
		return err
	}
	return invalid("", results)
}

// invalid is the error of a configuration of which keys are wrong; nil: none is.
func invalid(prefix string, results []abi.KeyValidation) error {
	var lines []string
	for _, r := range results {
		for _, problem := range r.Errors {
			lines = append(lines, prefix+r.Name+": "+problem)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return host.BadRequest(fmt.Sprintf("the configuration has %d error(s):\n%s", len(lines), strings.Join(lines, "\n")))
}

// converterProblems checks the converters' own keys.
func (w scope) converterProblems(ctx context.Context, stages []pipeline.Stage) error {
	for _, s := range stages {
		if s.Kind == abi.KindTransform || s.Kind == abi.KindPredicate {
			continue
		}
		results, err := w.Validator.ValidatePlugin(ctx, s.Found.Plugin, s.Config)
		if err == nil {
			err = invalid(strings.ReplaceAll(s.Kind, "_", ".")+".", results)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w scope) chainStages(chain string, config host.Config) ([]pipeline.Stage, error) {
	kind := map[string]string{host.PreviewSource: abi.KindSource, host.PreviewSink: abi.KindSink}[chain]
	parse := func() (validate.Connector, error) { return w.Validator.ParseConnector(config) }
	if kind != "" {
		parse = func() (validate.Connector, error) { return w.parse(kind, config) }
	}
	parsed, err := parse()
	if err != nil {
		return nil, host.BadRequest(err.Error())
	}
	switch chain {
	case host.PreviewSource:
		stages, err := w.sourceStages(plugin.Plugin{}, parsed, nil)
		return stages[min(1, len(stages)):], err
	case host.PreviewSink:
		stages, err := w.sinkStages(plugin.Plugin{}, parsed, nil)
		return stages[:max(len(stages)-1, 0)], err
	}
	return w.transformStages(parsed)
}

// previewStart starts the stages of a preview.
func (w *Worker) previewStart(request host.PreviewRequest, log *slog.Logger) preview.Start {
	id := host.TaskID{Connector: previewName(request.Tenant)}
	return func(ctx context.Context, g pipeline.Group) (*pipeline.Link, error) {
		return w.startApart(ctx, id, g, guest.Options{Log: log}, request.Network, nil)
	}
}

// previewName is the connector that a preview is, by its full name.
func previewName(tenant string) string { return host.JoinTenant(tenant, "preview") }

// logLines keeps the first lines of a log.
type logLines struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

// Enabled implements slog.Handler.
func (l *logLines) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *logLines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < host.PreviewLogLinesMax {
		l.lines = append(l.lines, r.Level.String()+" "+r.Message)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (l *logLines) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *logLines) WithGroup(string) slog.Handler { return l }
