package host

import "time"

// Used is what guests used, all of it counted up from Usage.Since on, except for memory.
type Used struct {
	CPUMillis  int64 `json:"cpu_ms"`      // computing in guests, what the host does in their calls included
	Fuel       int64 `json:"fuel"`        // units of the metering, about an operation each
	RecordsIn  int64 `json:"records_in"`  // from the external system or Kafka; of a plugin: to its instance
	RecordsOut int64 `json:"records_out"` // to Kafka or the external system; of a plugin: from its instance
	BytesIn    int64 `json:"bytes_in"`
	BytesOut   int64 `json:"bytes_out"`

	MemoryBytes     int64 `json:"memory_bytes"`      // now, of all instances together
	MemoryPeakBytes int64 `json:"memory_peak_bytes"` // the most at one time

	NetworkReadBytes    int64 `json:"network_read_bytes"`
	NetworkWrittenBytes int64 `json:"network_written_bytes"`
	Connections         int64 `json:"connections"`
	LogLines            int64 `json:"log_lines"`
	LogLinesDropped     int64 `json:"log_lines_dropped"`
	Traps               int64 `json:"traps"` // instances that ended by a trap, a limit or a breach of the ABI
}

// Usage is what this worker's guests used since it started.
type Usage struct {
	Worker  string        `json:"worker_id"`
	Since   time.Time     `json:"since"`
	Tenants []TenantUsage `json:"tenants"` // by name
}

// TenantUsage is what a tenant's guests used; it goes on when its connectors are deleted.
type TenantUsage struct {
	Tenant     string           `json:"tenant"` // "": the default tenant
	Used       Used             `json:"used"`
	Quota      Quota            `json:"quota"`
	Slowed     Slowed           `json:"slowed"`
	Connectors []ConnectorUsage `json:"connectors"` // by name; those that are long gone count in Used alone
}

// Slowed is how often, and for how long altogether, a tenant's tasks waited because it was over a rate of its quota.
type Slowed struct {
	Waits           int64 `json:"waits"`
	Millis          int64 `json:"ms"`
	MemoryRefusals  int64 `json:"memory_refusals"`   // growths of an instance that would have gone over the quota
	TaskRefusals    int64 `json:"task_refusals"`     // tasks that were not started for want of memory or quota
	LogLinesDropped int64 `json:"log_lines_dropped"` // over the tenant's rate
}

// ConnectorUsage is what a connector's guests used: its own, and that of its tasks on this worker.
type ConnectorUsage struct {
	Connector string        `json:"connector"`
	Used      Used          `json:"used"`
	Plugins   []PluginUsage `json:"plugins"` // by digest, then class
}

// PluginUsage is what a plugin used in one connector. Stages of one module run in one instance: computing and traps are
// the plugin's that was at work; memory, network, log lines, records and bytes are the instance's and stand at its
// connector, or else at its first stage.
type PluginUsage struct {
	Class  string `json:"class"`
	Digest string `json:"digest"` // of its module
	Used   Used   `json:"used"`
}
