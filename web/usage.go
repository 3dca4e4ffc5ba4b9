package web

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
)

// Usage is what the worker in this process knows of its guests. *worker.Worker implements it.
type Usage interface {
	// Usage is what was used since the worker's start; only restricts it to one tenant (nil: all).
	Usage(only *string) host.Usage
}

// getUsage answers what guests of this worker used, with ?tenant= that of one tenant; "": the default tenant. In a
// tenant's own API it is that of the tenant.
func (s *Server) getUsage(c echo.Context) error {
	return within(c, requestDurationMax, func(c echo.Context) error {
		if tenant := tenantOf(c); tenant != "" {
			return writeJSON(c, http.StatusOK, s.herder(c).usage(s.config.Usage.Usage(&tenant)))
		}
		tenants := c.QueryParams()["tenant"]
		if len(tenants) == 0 {
			return writeJSON(c, http.StatusOK, s.config.Usage.Usage(nil))
		}
		if tenant := tenants[0]; tenant != "" && !host.ValidTenant(tenant) {
			return host.BadRequest(fmt.Sprintf("Invalid value %q for parameter tenant: a tenant's name has 1 to %d lower-case "+
				"letters, digits and hyphens; leave the value empty for the default tenant", tenant, host.TenantNameMax))
		}
		return writeJSON(c, http.StatusOK, s.config.Usage.Usage(&tenants[0]))
	})
}
