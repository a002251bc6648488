package plan

import (
	"fmt"
	"slices"
)

// Saved is a plan that was written down, so that exactly it is carried out later, or what of it is still to be done.
type Saved struct {
	Revision Revision // that was planned on
	Actions  []SavedAction
}

// SavedAction is an action that was written down.
type SavedAction struct {
	Text string `json:"text"` // what the action says
	Key  string `json:"key"`  // all that it was decided on: digests, uids, the states that were seen
}

// Save writes a plan down.
func Save(p Plan, revision Revision) Saved {
	s := Saved{Revision: revision, Actions: []SavedAction{}}
	for _, a := range p.Actions {
		s.Actions = append(s.Actions, SavedAction{a.String(), key(a)})
	}
	return s
}

// Of is what of a plan was written down, and what was written down that the plan does not have: the world has changed since.
func (s Saved) Of(p Plan) (now Plan, gone []string) {
	left := slices.Clone(s.Actions)
	now.Holds = p.Holds
	for _, a := range p.Actions {
		i := slices.Index(left, SavedAction{a.String(), key(a)})
		if i < 0 {
			continue
		}
		now.Actions, left = append(now.Actions, a), slices.Delete(left, i, i+1)
	}
	for _, a := range left {
		gone = append(gone, a.Text)
	}
	return now, gone
}

// key tells an action from one that was decided on another state of the world. What only depends on the time when it was planned,
// such as until when a claim lasts, is left out.
func key(a Action) string {
	switch a := a.(type) {
	case Rerun:
		return fmt.Sprint(a.Object.Digest, " claim ", a.ClaimSeen)
	case Adopt:
		return fmt.Sprint(a.Claim.Digest, " claim ", a.ClaimSeen, " run ", a.Run)
	case Fetch:
		return fmt.Sprint(a.Experiment, " ", a.Path)
	case Record:
		r, _ := a.Next.Release(a.Release)
		return fmt.Sprint(a.Next.Latest, " of ", a.Next.Last, " ", r.Experiment, " ", r.Answers, " ", r.Artifact, " ", r.Image)
	case Build:
		return fmt.Sprint(a.Object.Digest)
	case Serve:
		return fmt.Sprint(a.Object.Digest, " seen ", a.Seen)
	case Remove:
		return fmt.Sprint(a.Object.UID, " seen ", a.Object.Seen)
	}
	return a.String() // unreachable: the set is sealed
}
