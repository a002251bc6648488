package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Verdict is what CUE makes of one unit: plain data, as a process that may be killed can hand it over.
type Verdict struct {
	Models   map[string]rawModel        `json:",omitempty"`
	Selected map[string]json.RawMessage `json:",omitempty"` // those without an error
	Retired  map[string]string          `json:",omitempty"`
	Findings []Finding                  `json:",omitempty"`
	// Again says that the unit was not judged, for want of time, and would be by another Load.
	Again bool `json:",omitempty"`
}

// rawModel is one model in JSON, as people wrote it after unification.
type rawModel struct {
	Body  json.RawMessage            `json:",omitempty"` // all but serve; none where an error lies in it
	Gate  []Bound                    `json:",omitempty"` // without places
	Serve map[string]json.RawMessage `json:",omitempty"` // the environments without an error
	// Expect are the bounds of checks by environment, without places.
	Expect map[string][]Bound `json:",omitempty"`
}

const (
	// maxFindings is how much is told about one unit.
	maxFindings = 50
	// maxVerdict is the most that a model may come to, in bytes of JSON. Where models are judged together each has that.
	maxVerdict = 1 << 20
	// maxFields is how many fields all specs together may have written out.
	maxFields = 500_000
)

// keep leaves what the verdict is about: a model, or what belongs to no model. What is wrong with all of a unit is that model's
// concern; where it is wrong with what all share, the verdict on that says the same.
func (v *Verdict) keep(own Scope) {
	maps.DeleteFunc(v.Models, func(name string, _ rawModel) bool { return name != own.Model })
	maps.DeleteFunc(v.Selected, func(name string, _ json.RawMessage) bool { return name != own.Model })
	if own != (Scope{}) {
		v.Retired = nil
	}
	v.Findings = slices.DeleteFunc(v.Findings, func(f Finding) bool { return f.Scope.Model != "" && f.Scope.Model != own.Model })
	for i, f := range v.Findings {
		if f.Scope == (Scope{}) {
			v.Findings[i].Scope = own
		}
	}
}

// limit bounds what a verdict comes to.
func (v *Verdict) limit(u Unit) {
	v.cut(maxFindings * u.Models)
	for i, f := range v.Findings {
		v.Findings[i].Message, v.Findings[i].Hint = short(f.Message), short(f.Hint)
	}
	if v.size() > maxVerdict*u.Models {
		f := tooMany(fmt.Sprintf("more than %d KiB when evaluated", maxVerdict>>10))
		f.Scope, f.Pos = u.Scope, u.Pos
		*v = Verdict{Findings: []Finding{f}}
	}
}

// cut leaves so many findings, and beside them an error for each scope that has one: a model of which nothing is said would read as one
// that left.
func (v *Verdict) cut(most int) {
	if len(v.Findings) <= most {
		return
	}
	last, total := v.Findings[most-1], len(v.Findings)
	frozen := map[Scope]bool{}
	var kept []Finding
	for i, f := range v.Findings {
		if wrong := f.Severity == Error; i < most || wrong && !frozen[f.Scope] {
			kept = append(kept, f)
			frozen[f.Scope] = frozen[f.Scope] || wrong
		}
	}
	if more := total - len(kept); more > 0 {
		last.Message, last.Hint = fmt.Sprintf("%d more like these", more), ""
		kept = append(kept, last)
	}
	v.Findings = kept
}

// short cuts a message that quotes what nobody would read.
func short(text string) string {
	const enough = 500
	if r := []rune(text); len(r) > enough {
		return string(r[:enough]) + "..."
	}
	return text
}

func (v Verdict) size() int {
	n := 0
	for _, m := range v.Models {
		n += len(m.Body)
		for _, e := range m.Serve {
			n += len(e)
		}
	}
	for _, s := range v.Selected {
		n += len(s)
	}
	return n
}

// judgement is all verdicts on a revision, and where its fields were written.
type judgement struct {
	Verdict
	Places  *places
	Folders []string
}

// join puts the verdicts on all units together. The error says that they are none on these units.
func join(s Survey, verdicts []Verdict) (judgement, error) {
	j := judgement{Places: s.Places, Folders: s.Folders, Verdict: Verdict{Findings: slices.Clone(s.Findings), Models: map[string]rawModel{},
		Selected: map[string]json.RawMessage{}, Retired: map[string]string{}}}
	if len(verdicts) != len(s.Units) {
		return judgement{}, fmt.Errorf("%d verdicts on %d units", len(verdicts), len(s.Units))
	}
	if err := s.check(); err != nil {
		return judgement{}, err
	}
	for i, v := range verdicts {
		if err := v.check(s.Units[i]); err != nil {
			return judgement{}, err
		}
		for name, m := range v.Models {
			m.Gate = slices.Clone(m.Gate) // an Evaluator may give the same verdict again
			for i, b := range m.Gate {
				m.Gate[i].Pos = s.Places.at("models", name, "select", "#gate", b.Metric)
			}
			j.Models[name] = m
		}
		maps.Copy(j.Selected, v.Selected)
		maps.Copy(j.Retired, v.Retired)
		j.Findings = append(j.Findings, v.Findings...)
		j.Again = j.Again || v.Again
	}
	j.Findings = once(j.Findings)
	return j, j.complete(s.Units)
}

// complete makes sure that nothing is missing without a word: that would read as deleted.
func (j judgement) complete(units []Unit) error {
	frozen := Catalog{Findings: j.Findings}.errors()
	for _, u := range units {
		name := u.Scope.Model
		_, selected := j.Selected[name]
		if name == "" || frozen[u.Scope] || frozen[Scope{}] ||
			(j.Models[name].Body != nil || !j.Places.has("models", name)) && (selected || !j.Places.has("selected", name)) {
			continue
		}
		return fmt.Errorf("nothing is said about %s", name)
	}
	return nil
}

// once leaves out what is wrong with one model where it is told of the whole revision.
func once(found []Finding) []Finding {
	revision := map[Finding]bool{}
	for _, f := range found {
		if f.Scope == (Scope{}) {
			revision[f] = true
		}
	}
	return slices.DeleteFunc(found, func(f Finding) bool {
		wide := f
		wide.Scope = Scope{}
		return f != wide && revision[wide]
	})
}

// check refuses what no reading of spec files comes to.
func (s Survey) check() error {
	if err := checkFindings(s.Findings); err != nil {
		return err
	}
	for i, u := range s.Units {
		if (i == 0) != (u.Scope == Scope{}) || u.Whole && len(s.Units) > 1 || u.Scope.Environment != "" || i > 0 && u.Scope.Model <= s.Units[i-1].Scope.Model {
			return fmt.Errorf("unit %d is about %s", i, u.Scope)
		}
	}
	if len(s.Units) == 0 && !s.broken() {
		return errors.New("nothing is judged, and nobody says why")
	}
	return nil
}

// check refuses what can't be a verdict on the unit.
func (v Verdict) check(u Unit) error {
	for _, name := range slices.Concat(sortedKeys(v.Models), sortedKeys(v.Selected)) {
		if name != u.Scope.Model && !u.Whole {
			return fmt.Errorf("the verdict on %s is about %q", u.Scope, name)
		}
	}
	if v.Retired != nil && u.Scope != (Scope{}) {
		return fmt.Errorf("the verdict on %s is about what is retired", u.Scope)
	}
	return checkFindings(v.Findings)
}

func checkFindings(found []Finding) error {
	if len(found) == 0 {
		return nil
	}
	titles := Codes()
	for _, f := range found {
		if titles[f.Code] == "" || f.Severity != Error && f.Severity != Warning || f.Message != oneLine(f.Message) ||
			f.Scope.Model == "" && f.Scope.Environment != "" {
			return fmt.Errorf("%q is no finding", f)
		}
	}
	return nil
}

// Killed is the verdict on a unit that can't be evaluated: why is what that did, such as "ran out of memory".
func (u Unit) Killed(why string) Verdict {
	f := u.error(codeKilled, "evaluating %s "+why)
	f.Hint = "look for what multiplies: lists or texts made of each other, alternatives (|), comprehensions"
	if u.Whole {
		f.Hint = "write each model as a field of its own, models: NAME: {...}: then it is evaluated on its own"
	}
	return Verdict{Findings: []Finding{f}}
}

// Unjudged is the verdict on a unit that no time was left for.
func (u Unit) Unjudged() Verdict {
	f := u.error(codeUnjudged, "no time was left to evaluate %s")
	f.Hint = "others took too long; the daemon tries again in its next pass"
	return Verdict{Findings: []Finding{f}, Again: true}
}

func (u Unit) error(code, message string) Finding {
	what := "this model"
	switch {
	case u.Whole:
		what = "the models together"
	case u.Scope == Scope{}:
		what = "what all models share"
	}
	f := Finding{Code: code, Severity: Error, Scope: u.Scope, Pos: u.Pos, Message: fmt.Sprintf(message, what)}
	f.Pos.File = cmp.Or(f.Pos.File, mainFile)
	return f
}

// Unreadable is the finding about a file that can't even be parsed, or about all of them where it is empty: why is what trying it
// did.
func Unreadable(file, why string) Finding {
	f := Finding{Code: codeKilled, Severity: Error, Scope: fileScope(file), Pos: Position{File: file},
		Message: "reading this file " + why, Hint: "restore what it was before"}
	if file == "" {
		f.Pos.File, f.Message = mainFile, "reading all specs together "+why
	}
	return f
}
