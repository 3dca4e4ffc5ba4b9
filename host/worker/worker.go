// Package worker is the worker on this node: it makes connectors and tasks out of configurations and plugins, runs
// them, and reports what becomes of them. It implements host.Runtime.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/configprovider"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/schemaregistry"
	"github.com/berth-connect/berth/host/secrets"
	"github.com/berth-connect/berth/host/tenancy"
	"github.com/berth-connect/berth/host/usage"
	"github.com/berth-connect/berth/host/validate"
)

// Config of a worker; durations have Connect's property names.
type Config struct {
	WorkerID   string      // host:port, told to plugins
	Properties host.Config // the worker's own; key.converter and the like are read from it

	OffsetFlushInterval  time.Duration   // offset.flush.interval.ms
	OffsetFlushTimeout   time.Duration   // offset.flush.timeout.ms
	TaskShutdownGraceful time.Duration   // task.shutdown.graceful.timeout.ms
	StagesRestAfter      time.Duration   // without a batch; 0: host.StageIdleMax
	Swaps                host.SwapPolicy // of connectors that have none of their own
	TrapMax              int             // berth.trap.max.per.minute
	KafkaQuirks          bool            // host.KafkaQuirksKey
}

// Ports are the parts that a worker works with.
type Ports struct {
	Registry  *plugin.Registry
	Validator *validate.Validator
	Clients   host.Clients
	Records   host.RecordReader // for previews; nil: there is no Kafka
	Offsets   host.OffsetStore
	// OffsetTopics are those of connectors with a topic of their own; nil: they can't have one, as this is a standalone
	// worker.
	OffsetTopics host.OffsetTopics
	// Transactions are those of source tasks; nil: exactly.once.source.support is not enabled.
	Transactions host.Transactions
	Status       host.StatusReporter
	Grants       tenancy.Grants // of tenants
	Meter        metric.Meter
	Log          *slog.Logger

	Values  *configprovider.Transformer                       // of references in configurations; nil: no providers
	Secrets *secrets.Store                                    // nil: there are none
	Restart func(ctx context.Context, connector string) error // anywhere in the cluster; nil: it can't be
	Quotas  host.Quotas                                       // of tenants; nil: nobody has one
}

// Worker is safe for concurrent use.
type Worker struct {
	config Config
	Ports
	meters *meters
	book   *usage.Book

	failures failures

	registries *schemaregistry.Pool
	previews   chan struct{} // has one for each preview that runs

	mu         sync.Mutex
	connectors map[string]*connector        // guarded by mu
	tasks      map[host.TaskID]*runningTask // guarded by mu
	lingering  map[host.TaskID]*runningTask // of stopped connectors, that have not ended yet; guarded by mu
	shadows    map[string][]host.ShadowWish // by connector; guarded by mu
}

var _ host.Runtime = (*Worker)(nil)

// ownerOf is the tenant whose connector it is.
func (w *Worker) ownerOf(connector string) string { return host.OwnerOf(w.Grants.Tenants, connector) }

// New makes a worker; it does no I/O.
func New(config Config, ports Ports) *Worker {
	w := &Worker{config: config, Ports: ports, connectors: map[string]*connector{}, tasks: map[host.TaskID]*runningTask{},
		registries: schemaregistry.NewPool(ports.Log), previews: make(chan struct{}, host.PreviewsMax),
		shadows: map[string][]host.ShadowWish{}, lingering: map[host.TaskID]*runningTask{}}
	w.book = usage.New(config.WorkerID, ports.Quotas, w.ownerOf, ports.Registry.Engine().Share)
	w.meters = newMeters(ports.Meter, w)
	return w
}

// Plugins implements host.Runtime.
func (w *Worker) Plugins(tenant string) []host.PluginInfo { return w.Registry.Of(tenant).Infos() }

// PluginConfig implements host.Runtime.
func (w *Worker) PluginConfig(tenant, name, version string) ([]host.ConfigKeyInfo, error) {
	return w.of(tenant).Validator.PluginConfig(name, version)
}

// Validate implements host.Runtime.
func (w *Worker) Validate(ctx context.Context, tenant string, config host.Config) (host.ConfigInfos, error) {
	own := w.of(tenant)
	own.catchUp(ctx, config)
	infos, err := own.validate(ctx, config)
	var wrong *validate.Exception
	if errors.As(err, &wrong) { // Kafka answers 500 here
		return host.ConfigInfos{}, &host.Error{Kind: host.ErrInternal, Message: wrong.JavaClass() + ": " + wrong.Message}
	}
	return infos, err
}

// AddModule implements host.Runtime.
func (w *Worker) AddModule(ctx context.Context, upload host.ModuleUpload) (host.ModuleInfo, bool, error) {
	return w.Registry.Add(ctx, upload)
}

// ModuleContent implements host.Runtime.
func (w *Worker) ModuleContent(tenant, digest string) ([]byte, error) {
	return w.Registry.Of(tenant).Content(digest)
}

// DeleteModule implements host.Runtime.
func (w *Worker) DeleteModule(ctx context.Context, tenant, digest string) error {
	return w.Registry.Of(tenant).Delete(ctx, digest)
}

// DeleteModules implements host.Runtime.
func (w *Worker) DeleteModules(ctx context.Context, tenant string) error {
	return w.Registry.Of(tenant).DeleteUploads(ctx)
}

// ForgetTenant implements host.Runtime.
func (w *Worker) ForgetTenant(tenant string) {
	w.book.Forget(tenant)
	w.failures.forget(tenant + host.TenantSeparator)
}

// Modules implements host.Runtime.
func (w *Worker) Modules(tenant string) []host.ModuleInfo { return w.Registry.Of(tenant).Modules() }

// ConnectorKind implements host.Runtime.
func (w *Worker) ConnectorKind(tenant string, config host.Config) string {
	p, err := w.of(tenant).resolveConnector(config)
	if err != nil {
		return "unknown"
	}
	return string(plugin.HostKind(p.Kind))
}

func (w scope) resolveConnector(config host.Config) (plugin.Plugin, error) {
	return w.Registry.Resolve(config.Get("connector.class"), config.Get("connector.plugin.version"),
		abi.KindSource, abi.KindSink)
}

// parse reads the framework's part of a configuration.
func (w scope) parse(kind string, config host.Config) (validate.Connector, error) {
	if kind == abi.KindSource {
		return w.Validator.ParseSource(config)
	}
	return w.Validator.ParseSink(config)
}

// run starts an instance of a group with what its plugins are granted; opts name what it tells the host.
func (w *Worker) run(ctx context.Context, group pipeline.Group, plan abi.Plan,
	opts guest.Options) (*guest.Instance, error) {
	opts.Engine = w.around(plan.Connector).Registry.Granted(group.Digest, group.Plugins()...)
	return w.runWith(ctx, group, plan, opts, (*schemaregistry.Registry).Serve)
}

// runWith is run with other grants than the plugins', and another way to schema registries.
func (w *Worker) runWith(ctx context.Context, group pipeline.Group, plan abi.Plan, opts guest.Options,
	registry serveRegistry) (*guest.Instance, error) {
	own := w.around(plan.Connector)
	code, err := own.Registry.Code(ctx, group.Digest)
	if err != nil {
		return nil, err
	}
	granted := opts.Engine
	plan.Worker = w.config.WorkerID
	w.tellLacking(group, plan.Connector)
	if err := w.hideSecrets(group, &plan, granted.Network); err != nil {
		return nil, err
	}
	plan.Files, plan.Stdio = granted.Dirs, granted.Stdin != nil
	serve, release, err := own.services(group, registry)
	if err != nil {
		return nil, err
	}
	account := w.openAccount(plan.Connector, group)
	if granted.Network != nil {
		granted.Network.Meters, granted.Network.Pace = w.meters.network.of(plan, account), account.Pace
	}
	granted.Account = account.Account().HeardBy(granted.Account.Computed)
	opts.Engine, opts.Serve, opts.Usage = granted, serve, account
	opts.Log = opts.Log.With(host.LoggerKey, group.Stages[0].Found.Class)
	instance := guest.Run(context.WithoutCancel(ctx), code, plan, opts)
	go func() {
		<-instance.Done()
		closeAccount(account, instance.Err())
		release()
	}()
	return instance, nil
}
