package reconcile

import (
	"fmt"
	"slices"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// breaker counts the commits about each model. No commit of ours causes work, so that many in an hour mean that somebody undoes what
// is recorded, such as another program that writes the same files: to go on would be a war of commits.
type breaker map[string][]time.Time

// open is why no commit about a model may be made now; nil lets it pass.
func (b breaker) open(model string, most int, now time.Time) error {
	b[model] = slices.DeleteFunc(b[model], func(at time.Time) bool {
		return !at.After(now.Add(-time.Hour)) || at.After(now) // the clock was set back
	})
	recent := b[model]
	if len(recent) < most {
		return nil
	}
	until := now.Add(time.Hour)
	if most > 0 {
		until = recent[len(recent)-most].Add(time.Hour)
	}
	return fmt.Errorf("%d commits about it in an hour, at most %d are made (fuses.commitsPerHour): does somebody undo them? Goes on at %s",
		len(recent), most, until.UTC().Format("15:04 MST"))
}

// count notes a commit.
func (b breaker) count(records []plan.Record, now time.Time) {
	for _, r := range records {
		b[r.Model] = append(b[r.Model], now)
	}
}
