package group

import "github.com/berth-connect/berth/host"

// Owners says which worker runs what. Only the leader of a round knows.
type Owners struct {
	connectors map[string]string      // name → advertised URL
	tasks      map[host.TaskID]string // task → advertised URL
}

// OwnersOf takes what each worker runs, by advertised URL.
func OwnersOf(held map[string]Work) *Owners {
	o := &Owners{map[string]string{}, map[host.TaskID]string{}}
	for url, work := range held {
		for _, connector := range work.Connectors {
			o.connectors[connector] = url
		}
		for _, task := range work.Tasks {
			o.tasks[task] = url
		}
	}
	return o
}

// Connector is the advertised URL of the worker that runs a connector; "" when none does.
func (o *Owners) Connector(name string) string { return o.connectors[name] }

// Task is the advertised URL of the worker that runs a task; "" when none does.
func (o *Owners) Task(id host.TaskID) string { return o.tasks[id] }
