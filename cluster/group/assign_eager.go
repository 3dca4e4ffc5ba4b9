package group

import "slices"

// PlanEager deals all work out anew, as the EagerAssignor of the original does: the members in a circle, first all
// connectors, then all tasks.
func PlanEager(r *Round) Plan {
	p := r.plan(NoError)
	circle := make([]string, 0, len(r.Members))
	for _, m := range r.Members {
		circle = append(circle, m.ID)
	}
	slices.SortFunc(circle, compareText)
	turn := 0
	next := func() *Assignment {
		id := circle[turn%len(circle)]
		turn++
		return p.Assignments[id]
	}
	work := r.Configs.work()
	for _, connector := range work.Connectors {
		a := next()
		a.Connectors = append(a.Connectors, connector)
	}
	for _, task := range work.Tasks {
		a := next()
		a.Tasks = append(a.Tasks, task)
	}
	for id, a := range p.Assignments {
		p.Held[id] = a.Work
	}
	return p
}
