package guest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/engine"
)

// stopGrace is how long a guest that has answered its one question gets to exit.
const stopGrace = time.Second

// Describe asks a module what it provides.
func Describe(ctx context.Context, module *engine.Module, opts Options) (abi.Manifest, error) {
	i := Run(ctx, module, abi.Plan{Role: abi.RoleDescribe}, opts)
	defer i.Kill(nil)
	m, err := i.Expect(ctx, abi.MessageManifest, i.Limits.DescribeWall)
	if err != nil {
		return abi.Manifest{}, fmt.Errorf("describe: %w", err)
	}
	manifest, err := abi.ParseManifest(m.Body)
	if err != nil {
		return abi.Manifest{}, fmt.Errorf("describe: %w: manifest: %w", ErrGarbage, err)
	}
	return manifest, nil
}

// Validate asks a plugin what it thinks of a configuration.
func Validate(ctx context.Context, module *engine.Module, stage abi.Stage, opts Options) ([]abi.KeyValidation, error) {
	question := abi.ValidateRequest{Plugin: stage.Plugin, Kind: stage.Kind, Config: stage.Config}
	answers, err := ask(ctx, module, opts, abi.EventValidate, question.Encode(), abi.ParseKeyValidations)
	if err != nil {
		return nil, fmt.Errorf("validate %s: %w", stage.Plugin, err)
	}
	return answers, nil
}

// AlterOffsets asks a connector that is not running whether its offsets may be set as a user wants.
func AlterOffsets(ctx context.Context, module *engine.Module, question abi.AlterRequest, opts Options) (abi.Altered,
	error) {
	altered, err := ask(ctx, module, opts, abi.EventAlter, question.Encode(), abi.ParseAltered)
	if err != nil {
		return abi.Altered{}, fmt.Errorf("alter offsets of %s: %w", question.Plugin, err)
	}
	return altered, nil
}

// ask puts one question to an instance that is made for it.
func ask[T any](ctx context.Context, module *engine.Module, opts Options, kind abi.EventKind, question []byte,
	parse func([]byte) (T, error)) (T, error) {
	plan := abi.Plan{Role: abi.RoleValidate, Files: opts.Engine.Dirs, Stdio: opts.Engine.Stdin != nil}
	i := Run(ctx, module, plan, opts)
	defer i.Kill(nil)
	var none T
	if err := i.Ready(ctx); err != nil {
		return none, err
	}
	i.Send(kind, Bytes(question))
	m, err := i.Expect(ctx, answer(kind), i.Limits.DescribeWall)
	if err != nil {
		return none, err
	}
	said, err := parse(m.Body)
	if err != nil {
		return none, fmt.Errorf("%w: %w", ErrGarbage, err)
	}
	_ = i.Stop(ctx, stopGrace) // it has answered; how it ends changes nothing
	return said, nil
}

// Connector is a connector instance: it makes task configurations, and may ask to be asked again.
type Connector struct {
	instance *Instance
	requests chan configsRequest
}

type configsRequest struct {
	tasksMax int32
	reply    chan configsReply
}

type configsReply struct {
	configs []map[string]*string
	err     error
}

// errConnectorGone answers requests to a connector whose instance has ended.
var errConnectorGone = errors.New("the connector is not running")

// NewConnector takes over an instance that was given a plan with role connector, and waits until it has started; Serve
// must run on it then.
func NewConnector(ctx context.Context, i *Instance) (*Connector, error) {
	if err := i.Ready(ctx); err != nil {
		i.Kill(err)
		return nil, fmt.Errorf("start: %w", err)
	}
	return &Connector{instance: i, requests: make(chan configsRequest)}, nil
}

// Serve answers TaskConfigs until the instance ends or ctx does, and calls reconfigure when the plugin asks for it. It
// returns nil after ctx ended and the guest stopped, otherwise why the guest ended.
func (c *Connector) Serve(ctx context.Context, grace time.Duration, reconfigure func()) error {
	for {
		select {
		case r := <-c.requests:
			configs, err := c.ask(ctx, r.tasksMax, reconfigure)
			r.reply <- configsReply{configs, err}
			if err != nil {
				return err
			}
		case m := <-c.instance.link.outbox:
			if err := c.took(m, reconfigure); err != nil {
				return err
			}
		case <-c.instance.Done():
			return c.instance.ended()
		case <-ctx.Done():
			stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+killDurationMax)
			defer cancel()
			_ = c.instance.Stop(stopCtx, grace) // asked to stop: how it does is of no consequence to its status
			return nil
		}
	}
}

func (c *Connector) took(m Message, reconfigure func()) error {
	if _, err := c.instance.Received(m); err != nil {
		return err
	}
	if m.Kind == abi.MessageReconfigure {
		reconfigure()
	}
	return nil
}

func (c *Connector) ask(ctx context.Context, tasksMax int32, reconfigure func()) ([]map[string]*string, error) {
	seq := c.instance.Send(abi.EventConfigs, Bytes(abi.ConfigsRequest{MaxTasks: tasksMax}.Encode()))
	for {
		waitCtx, cancel := context.WithTimeoutCause(ctx, c.instance.Limits.DescribeWall, ErrTimeout)
		m, err := c.instance.Recv(waitCtx)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("task configs: %w", err)
		}
		if m.Kind == abi.MessageReconfigure {
			reconfigure()
			continue
		}
		if m.Kind != abi.MessageConfigs || m.Seq != seq {
			return nil, fmt.Errorf("task configs: %w: %w", ErrGarbage, fmt.Errorf("message of kind %d", m.Kind))
		}
		configs, err := abi.ParseTaskConfigs(m.Body)
		if err != nil {
			return nil, fmt.Errorf("task configs: %w: %w", ErrGarbage, err)
		}
		return configs, nil
	}
}

// TaskConfigs asks for the configurations of at most tasksMax tasks.
func (c *Connector) TaskConfigs(ctx context.Context, tasksMax int) ([]map[string]*string, error) {
	r := configsRequest{int32(tasksMax), make(chan configsReply, 1)}
	select {
	case c.requests <- r:
	case <-c.instance.Done():
		return nil, errConnectorGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case reply := <-r.reply:
		return reply.configs, reply.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
