package reconcile

import (
	"fmt"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// keep leaves what a saved plan holds.
func (p *Pass) keep(saved *plan.Saved) error {
	switch {
	case saved == nil:
		return nil
	case saved.Revision != p.Revision:
		return fmt.Errorf("the plan was made on commit %s, and the branch is at %s now: plan again", saved.Revision.Short(), p.Revision.Short())
	}
	p.Plan, p.Gone = saved.Of(p.Plan)
	return nil
}
