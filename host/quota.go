package host

// Quota bounds what a tenant may use; 0 is no limit. Rates are averages over a second.
type Quota struct {
	Connectors            int     `json:"connectors,omitempty"`
	Tasks                 int     `json:"tasks,omitempty"`
	ModuleBytes           int64   `json:"module_bytes,omitempty"` // of all uploaded modules together
	MemoryBytes           int64   `json:"memory_bytes,omitempty"` // of all instances on a worker together
	CPUShare              float64 `json:"cpu_share,omitempty"`    // weight among tenants that want a worker's CPU
	RecordsPerSecond      float64 `json:"records_per_second,omitempty"`
	BytesPerSecond        float64 `json:"bytes_per_second,omitempty"`
	NetworkBytesPerSecond float64 `json:"network_bytes_per_second,omitempty"`
	LogLinesPerSecond     float64 `json:"log_lines_per_second,omitempty"`
}

// Quotas knows the tenants' quotas.
type Quotas interface {
	// Quota returns a tenant's; the zero value, no limits, for one that is not known and for the default tenant.
	Quota(tenant string) Quota
}
