package group

import "github.com/berth-connect/berth/host"

// OwnersOf says who runs what, by the work of each advertised URL.
func OwnersOf(works map[string]Work) *Owners {
	o := &Owners{connectors: map[string]string{}, tasks: map[host.TaskID]string{}}
	for url, work := range works {
		for _, name := range work.Connectors {
			o.connectors[name] = url
		}
		for _, id := range work.Tasks {
			o.tasks[id] = url
		}
	}
	return o
}
