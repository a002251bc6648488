package sandbox

import "slices"

const (
	// together is how many units are judged in one evaluation at most. More save nothing.
	together = 32
	// losses are how many evaluations of units together may end a child before no others are tried.
	losses = 2
)

// queue is what is still to be judged: units by their index.
type queue struct {
	alone []int // one by one, before all others
	fresh []int // together
	tried []int // what ended a child before: one by one, after all others
	lost  int   // how often units together ended a child
}

func (q *queue) len() int { return len(q.alone) + len(q.fresh) + len(q.tried) }

// add adds a unit that was not tried yet. What all models share is judged before them.
func (q *queue) add(i int) {
	if i == 0 {
		q.alone = append(q.alone, i)
		return
	}
	q.fresh = append(q.fresh, i)
}

// next takes out what to judge next, so many at most.
func (q *queue) next(most int) []int {
	from := &q.alone
	switch {
	case len(q.alone) > 0:
		most = 1
	case len(q.fresh) > 0:
		from = &q.fresh
	default:
		from, most = &q.tried, 1
	}
	units := (*from)[:min(most, len(*from))]
	*from = (*from)[len(units):]
	return units
}

// back puts back units that were not judged since another one ended the child.
func (q *queue) back(units []int) { q.fresh = slices.Concat(units, q.fresh) }

// apart has units judged one by one that ended a child together; blame says that it was their doing.
func (q *queue) apart(units []int, blame bool) {
	q.alone = append(q.alone, units...)
	if blame {
		q.lost++
	}
	if q.lost >= losses {
		q.alone, q.fresh = append(q.alone, q.fresh...), nil
	}
}
