package web

import (
	"context"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// Herder is what the REST resources need of the layer below, with all tenants' connectors under their full names. A
// resource asks for it by way of space, which knows one tenant. *herder.Herder implements it. Errors carry their kind
// (package host's sentinels, herder.ErrForbidden) and the text for the user.
type Herder interface {
	Ready() (ready bool, doing string)
	Ping(ctx context.Context) error
	ClusterID(ctx context.Context) (string, error)

	Connectors(ctx context.Context) ([]string, error)
	Connector(ctx context.Context, name string) (herder.ConnectorInfo, error)
	Config(ctx context.Context, name string) (host.Config, error)
	Status(ctx context.Context, name string) (herder.ConnectorStatus, error)
	Tasks(ctx context.Context, name string) ([]herder.TaskInfo, error)
	TaskStatusOf(ctx context.Context, id host.TaskID) (herder.TaskStatus, error)
	TaskFailures(ctx context.Context, id host.TaskID) ([]host.TaskFailure, error)

	Create(ctx context.Context, name string, config host.Config, target host.TargetState) (herder.ConnectorInfo, error)
	PutConfig(ctx context.Context, name string, config host.Config) (herder.ConnectorInfo, bool, error)
	PatchConfig(ctx context.Context, name string, patch host.Config) (herder.ConnectorInfo, error)
	Delete(ctx context.Context, name string) error
	Pause(ctx context.Context, name string) error
	Resume(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	RestartConnector(ctx context.Context, name string) error
	RestartTask(ctx context.Context, id host.TaskID) error
	Restart(ctx context.Context, request store.RestartRequest) (herder.ConnectorStatus, error)

	PutTaskConfigs(ctx context.Context, name string, tasks []host.Config, signature *sessionkey.Signature) error
	FenceZombies(ctx context.Context, name string, signature *sessionkey.Signature) error

	PutShadow(ctx context.Context, wish host.ShadowWish) (herder.Shadow, error)
	Shadow(ctx context.Context, connector, alias string) (herder.Shadow, error)
	DeleteShadow(ctx context.Context, connector, alias string) error
	PromoteShadow(ctx context.Context, connector, alias, by string) (herder.Swap, error)
	ShadowReportsHere(ctx context.Context, connector, alias string, signature *sessionkey.Signature) (
		[]host.ShadowReport, error)
	Swap(ctx context.Context, name string, request herder.SwapRequest) (herder.Swap, error)
	RollBack(ctx context.Context, name, stage, by string) (herder.Swap, error)
	Swaps(ctx context.Context, name string) ([]herder.Swap, error)

	Topics(ctx context.Context, name string) ([]string, error)
	ResetTopics(ctx context.Context, name string) error
	Offsets(ctx context.Context, name string) ([]herder.Offset, error)
	AlterOffsets(ctx context.Context, name string, offsets []herder.Offset) (string, error)
	ResetOffsets(ctx context.Context, name string) (string, error)

	Plugins(ctx context.Context, tenant string, connectorsOnly bool) ([]host.PluginInfo, error)
	PluginConfig(ctx context.Context, tenant, name, version string) ([]host.ConfigKeyInfo, error)
	Validate(ctx context.Context, tenant string, config host.Config) (host.ConfigInfos, error)
	AddModule(ctx context.Context, upload host.ModuleUpload) (info host.ModuleInfo, added bool, err error)
	Modules(ctx context.Context, tenant string) ([]host.ModuleInfo, error)
	Module(ctx context.Context, tenant, name, version string) (host.ModuleInfo, error)
	ModuleContent(ctx context.Context, tenant, digest string) ([]byte, error)
	DeleteModule(ctx context.Context, tenant, name, version string) error

	// Sign signs what this worker says to another one; nil: the group does not sign.
	Sign(text []byte) (*sessionkey.Signature, error)
	// CheckSigned refuses what no worker of the group can have signed.
	CheckSigned(ctx context.Context, signature *sessionkey.Signature) error

	PutLoggerLevel(ctx context.Context, namespace, level string) error

	host.Tenants
	Tenants(ctx context.Context) ([]host.Tenant, error)
	TenantRecord(ctx context.Context, name string) (host.Tenant, error)
	PutTenant(ctx context.Context, tenant host.Tenant) (created bool, err error)
	DeleteTenant(ctx context.Context, name string, force bool) error
}
