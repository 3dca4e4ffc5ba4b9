package guest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/berth-connect/berth/abi"
)

// instance is one run of a module: one plan, one task.
type instance struct {
	host    Host
	plugins []Plugin
	plan    abi.Plan
	planSeq uint32
	offsets *storedOffsets // of the plan; nil: not decoded yet

	codec     *codec
	chain     []*stage
	connector Connector
	boundary  bool // CommitTransaction was called in the running Poll
	alone     bool // records pass the connector only, since ALONE

	exchange
	mu      sync.Mutex
	resumed chan struct{} // guarded by mu, which is held while events are polled and records put
}

// RunOn runs one instance on a host until it is told to stop: Run for hosts other than the module's. Its error was
// reported to the host as FAILED already.
func RunOn(ctx context.Context, host Host, plugins ...Plugin) error {
	in := &instance{host: host, plugins: plugins, codec: newCodec(), exchange: newExchange()}
	ctx = context.WithValue(ctx, instanceKey{}, in)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := in.guard(func() error { return in.run(ctx) })
	if err == nil {
		return nil
	}
	f := failed(0, -1, err)
	if putErr := in.put(ctx, abi.MessageFailed, in.planSeq, nil, f.Encode()); putErr != nil {
		return errors.Join(err, putErr)
	}
	return err
}

func (in *instance) run(ctx context.Context) error {
	event, _, err := in.next(nil)
	if err != nil {
		return err
	}
	if event.Kind != abi.EventPlan {
		return fmt.Errorf("first event is %d, not the plan", event.Kind)
	}
	if in.plan, err = abi.ParsePlan(event.Body); err != nil {
		return err
	}
	in.planSeq = event.Seq
	switch in.plan.Role {
	case abi.RoleDescribe:
		in.at(abi.PhaseDescribe, 0, abi.None)
		return in.put(ctx, abi.MessageManifest, event.Seq, nil, manifest(in.plugins).Encode())
	case abi.RoleValidate:
		return in.runValidate(ctx)
	case abi.RoleConnector:
		return in.runConnector(ctx)
	case abi.RoleTask:
		return in.runTask(ctx)
	}
	return fmt.Errorf("unknown role %q", in.plan.Role)
}

// find looks a plugin up by its class or an alias.
func (in *instance) find(class string, kinds ...string) (Plugin, error) {
	for _, p := range in.plugins {
		if p.Class != class && !slices.Contains(p.Aliases, class) {
			continue
		}
		for _, kind := range p.kinds() {
			if slices.Contains(kinds, kind) {
				return p, nil
			}
		}
	}
	return Plugin{}, &codedError{abi.CodeConfig, fmt.Errorf("unknown plugin %s", class)}
}

func (in *instance) ready(ctx context.Context) error {
	in.at(abi.PhaseIdle, 0, abi.None)
	return in.put(ctx, abi.MessageReady, in.planSeq, nil, nil)
}

func (in *instance) runValidate(ctx context.Context) error {
	if err := in.ready(ctx); err != nil {
		return err
	}
	for {
		event, _, err := in.next(nil)
		if err != nil || event.Kind == abi.EventStop {
			return err
		}
		switch event.Kind {
		case abi.EventValidate:
			err = in.validate(ctx, event)
		case abi.EventAlter:
			err = in.alterOffsets(ctx, event)
		}
		if err != nil {
			return err
		}
	}
}

func (in *instance) validate(ctx context.Context, event abi.Event) error {
	in.at(abi.PhaseValidate, 0, abi.None)
	request, err := abi.ParseValidateRequest(event.Body)
	if err != nil {
		return err
	}
	p, err := in.find(request.Plugin, pluginKind(request.Kind))
	if err != nil {
		return err
	}
	keys := p.Config.Answers(request.Config)
	if p.Validate != nil {
		more, err := p.Validate(ctx, request.Config)
		if err != nil {
			return err
		}
		keys = append(keys, more...)
	}
	keys = append(keys, p.exactlyOnce(request.Config)...)
	in.at(abi.PhaseIdle, 0, abi.None)
	return in.put(ctx, abi.MessageValidated, event.Seq, nil, abi.EncodeKeyValidations(keys))
}

// pluginKind is the kind of plugin that serves a kind of stage.
func pluginKind(stage string) string {
	if stage == abi.KindKeyConverter || stage == abi.KindValueConverter {
		return abi.KindConverter
	}
	return stage
}

func (in *instance) runConnector(ctx context.Context) error {
	p, err := in.startConnector(ctx)
	if err != nil {
		return err
	}
	if err := in.ready(ctx); err != nil {
		return err
	}
	watch := make(chan error, 1)
	if w, ok := in.connector.(Watcher); ok && p.Watches {
		go func() {
			watch <- in.guard(func() error { return w.Watch(ctx, func() { in.reconfigure(ctx) }) })
		}()
	}
	events := in.events(ctx)
	for {
		select {
		case err := <-watch:
			if err != nil && ctx.Err() == nil {
				return failed(0, -1, err)
			}
		case e := <-events:
			if e.err != nil || e.Kind == abi.EventStop {
				return errors.Join(e.err, closeAll(in.connector))
			}
			if e.Kind == abi.EventConfigs {
				if err := in.taskConfigs(ctx, e.Event); err != nil {
					return err
				}
			}
		}
	}
}

func (in *instance) startConnector(ctx context.Context) (Plugin, error) {
	if len(in.plan.Stages) != 1 {
		return Plugin{}, fmt.Errorf("connector with %d stages", len(in.plan.Stages))
	}
	s := in.plan.Stages[0]
	p, err := in.find(s.Plugin, s.Kind)
	if err != nil {
		return p, failed(0, -1, err)
	}
	in.at(abi.PhaseStart, 0, abi.None)
	config, err := in.config(p, s)
	if err != nil {
		return p, failed(0, -1, err)
	}
	in.connector = &oneTask{s.Config}
	if p.NewConnector != nil {
		in.connector = p.NewConnector()
	}
	if err := in.connector.Start(ctx, config); err != nil {
		return p, failed(0, -1, err)
	}
	return p, nil
}

func (in *instance) taskConfigs(ctx context.Context, event abi.Event) error {
	request, err := abi.ParseConfigsRequest(event.Body)
	if err != nil {
		return err
	}
	in.at(abi.PhaseConfigs, 0, abi.None)
	configs, err := in.connector.TaskConfigs(ctx, int(request.MaxTasks))
	if err != nil {
		return failed(0, -1, err)
	}
	in.at(abi.PhaseIdle, 0, abi.None)
	return in.put(ctx, abi.MessageConfigs, event.Seq, nil, abi.EncodeTaskConfigs(configs))
}

func (in *instance) reconfigure(ctx context.Context) {
	if err := in.put(ctx, abi.MessageReconfigure, 0, nil, nil); err != nil {
		Log(ctx, abi.LogWarn, "ask for reconfiguration: %v", err)
	}
}

// oneTask is the connector of plugins without one of their own.
type oneTask struct{ config map[string]*string }

func (o *oneTask) Start(context.Context, Config) error { return nil }

func (o *oneTask) TaskConfigs(context.Context, int) ([]map[string]*string, error) {
	return []map[string]*string{o.config}, nil
}

// received is an event, or why there will be no more.
type received struct {
	abi.Event
	err error
}

// events reads events in a goroutine of its own, for roles that do more than answer them. Each has its own memory.
func (in *instance) events(ctx context.Context) <-chan received {
	events := make(chan received)
	go func() {
		for {
			event, _, err := in.next(nil)
			select {
			case events <- received{event, err}:
			case <-ctx.Done():
				return
			}
			if err != nil || event.Kind == abi.EventStop {
				return
			}
		}
	}()
	return events
}

func closeAll(plugins ...any) error {
	var errs []error
	for _, p := range plugins {
		if c, ok := p.(Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
