package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Question is what a served model is asked before its environment counts as done. One answer goes for all that are equal.
type Question struct {
	At    render.Ref // the SeldonDeployment
	UID   string     // of it
	Image string     // that it serves
	Data  string     // the request, JSON
	Ways  string     // to the numbers of the answer that matter, names and places joined by dots; with a space between
}

// Ask has the model of an environment asked beside the pass, where that has not been done. It prints nothing: a Hold says that the
// environment waits.
type Ask struct {
	Question
	Seen     string // the state of the SeldonDeployment; in another one its pods may be others, and are asked again
	Answered bool   // the Question has an answer
	Met      bool   // and that is as expected
}

// Answer is what came of a Question.
type Answer struct {
	To      Question
	Images  []string           // that it went through, as it says itself
	Numbers map[string]float64 // by way; those that lead to none are missing
	Fault   string             // why there is no answer, one line; empty where there is one
}

// check has an environment that serves its release wait until the model answers as expected.
func (d *draft) check(m schema.Model, e schema.Environment, r schema.Release, o Observed) {
	if e.Check == nil || !d.in.Asking {
		return
	}
	q := question(e, o)
	why := unmet(m, e, q, o.Answer)
	d.Asks = append(d.Asks, Ask{Question: q, Seen: o.Seen, Answered: q.answered(o.Answer), Met: why == ""})
	if why != "" {
		d.hold(m.Name, e.Name, fmt.Sprintf("release %d %s", r.Number, why))
	}
}

// proven reports whether an environment that serves what it asks for has answered as expected, where that is asked.
func (d *draft) proven(m schema.Model, e schema.Environment, o Observed) bool {
	return e.Check == nil || !d.in.Asking || unmet(m, e, question(e, o), o.Answer) == ""
}

func question(e schema.Environment, o Observed) Question {
	var ways []string
	for _, b := range e.Check.Expect {
		ways = append(ways, b.Metric)
	}
	return Question{At: o.Ref, UID: o.UID, Image: o.Image, Data: e.Check.Data, Ways: strings.Join(slices.Compact(ways), " ")}
}

// answered reports whether an answer is one to this question.
func (q Question) answered(a *Answer) bool { return a != nil && a.To == q }

// unmet says what is wrong with the answer, and where people wrote what was asked and is expected; empty for nothing.
func unmet(m schema.Model, e schema.Environment, q Question, a *Answer) string {
	if !q.answered(a) {
		return "is available, and its check is not answered yet"
	}
	fails := func(format string, args ...any) string {
		return "fails its check: " + fmt.Sprintf(format, args...) + fmt.Sprintf(" (asked: %s)", m.Places.At("serve", e.Name, "check", "data"))
	}
	switch {
	case a.Fault != "":
		return fails("%s", a.Fault)
	case len(a.Images) == 0:
		return fails("the answer does not say which image gave it")
	case !slices.Contains(a.Images, q.Image):
		return fails("%s answered, not its image", strings.Join(a.Images, " and "))
	}
	for _, b := range e.Check.Expect {
		value, found := a.Numbers[b.Metric]
		at := m.Places.At("serve", e.Name, "check", "#expect", b.Metric)
		switch {
		case !found:
			return fails("the answer has no number at %s, which has to be %s%v (%s)", b.Metric, b.Op, b.Value, at)
		case !b.Holds(value):
			return fails("%s is %v, and has to be %s%v (%s)", b.Metric, value, b.Op, b.Value, at)
		}
	}
	return ""
}
