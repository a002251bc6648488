package plan

import "strings"

// Held is the plan of a revision that is not the tip any more and stays in force, for a reason that it tells as a hold of all. What was
// found out is not recorded meanwhile, since the branch has moved to where nothing is to be built on: those are holds too.
func (p Plan) Held(reason string) Plan {
	d := draft{Plan: Plan{Holds: append([]Hold{{Reason: reason}}, p.Holds...), Asks: p.Asks}}
	for _, a := range p.Actions {
		r, ok := a.(Record)
		if !ok {
			d.do(a)
			continue
		}
		what := strings.TrimPrefix(r.String(), r.Scope().String()+": ")
		d.hold(r.Model, "", "not committed while the tip of the branch is not trusted: "+what)
	}
	d.sort()
	return d.Plan
}
