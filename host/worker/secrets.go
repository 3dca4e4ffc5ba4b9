package worker

import (
	"fmt"
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/pipeline"
)

// hideSecrets puts handles into the configurations of a plan, and lets the instance's connections know the secrets that
// they stand for. Without the capability for connections a handle stays what it is. Error: of the stage at fault.
func (w *Worker) hideSecrets(group pipeline.Group, plan *abi.Plan, access *network.Access) error {
	tenant, _ := host.SplitTenant(plan.Connector)
	stages := slices.Clone(plan.Stages)
	for i, stage := range group.Stages {
		hidden, used, err := w.Secrets.Hide(tenant, stage.Found.Plugin, stages[i].Config)
		if err != nil {
			return fmt.Errorf("%s: %w", stage.Where(), err)
		}
		stages[i].Config = hidden
		if access != nil {
			access.Secrets = append(access.Secrets, used...)
		}
	}
	plan.Stages = stages
	return nil
}
