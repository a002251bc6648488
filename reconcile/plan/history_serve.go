package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// settled is a model whose environments stay as they were where an error freezes them, or while they wait for a release.
func (s *story) settled(m schema.Model) schema.Model {
	old := cmp.Or(s.old[m.Name], m.Name)
	was, _ := modelOf(s.before, old)
	serve := []schema.Environment(nil)
	for _, e := range was.Serve {
		if _, frozen := s.asked.Frozen(m.Name, e.Name); frozen {
			serve = append(serve, e)
		}
	}
	for _, e := range m.Serve {
		before, existed := environmentOf(was, e.Name)
		served, idle := Served(s.before.Selected[old], before)
		_, waits := Served(s.asked.Selected[m.Name], e)
		if _, frozen := s.asked.Frozen(m.Name, e.Name); frozen {
			continue
		}
		if existed && idle == "" && waits != "" {
			e = before
			e.Release = served.Number
		}
		serve = append(serve, e)
	}
	slices.SortFunc(serve, func(a, b schema.Environment) int { return strings.Compare(a.Name, b.Name) })
	m.Serve = serve
	return m
}

// serve tells what happened to the environments of a model.
func (s *story) serve(m, was schema.Model, had, selected schema.Selected) {
	for _, e := range m.Serve {
		old, existed := environmentOf(was, e.Name)
		if !existed && s.hidden[schema.Scope{Model: m.Name, Environment: e.Name}] {
			continue
		}
		from, idle := Served(had, old)
		to, waits := Served(selected, e)
		what := differences(
			field{"namespace", old.Namespace, e.Namespace},
			field{"name", old.ObjectName, e.ObjectName},
			field{"replicas", replicas(old), replicas(e)},
			field{"deadline", fmt.Sprint(old.Deadline), fmt.Sprint(e.Deadline)},
			field{"check", checked(old), checked(e)},
			field{"engine", fmt.Sprint(!old.NoEngine), fmt.Sprint(!e.NoEngine)},
			field{"resources", fmt.Sprint(old.Resources), fmt.Sprint(e.Resources)},
			field{"seldon", fmt.Sprint(old.Seldon), fmt.Sprint(e.Seldon)},
		)
		c := Change{Model: m.Name, Environment: e.Name, Release: to.Number}
		switch {
		case waits != "":
		case !existed || idle != "":
			c.Word, what = "serve", []string{fmt.Sprintf("release %d in %s", to.Number, e.Namespace)}
		case from.Number != to.Number:
			c.Word = verb(from.Number, to.Number)
			what = append([]string{fmt.Sprintf("release %d -> %d", from.Number, to.Number)}, what...)
		default:
			c.Word = "update"
			what = append(what, s.follows(m.Name, was.Name, e)...)
		}
		if c.Detail = strings.Join(what, ", "); c.Word != "" && c.Detail != "" {
			s.changes = append(s.changes, c)
		}
		s.waive(m.Name, old, e)
	}
	for _, e := range was.Serve {
		if _, still := environmentOf(m, e.Name); !still {
			s.say(m.Name, e.Name, "delete", "left serve")
		}
	}
}

// follows tells whether an environment follows latest from now on, or no longer does, while that changes nothing of what it serves.
func (s *story) follows(model, old string, e schema.Environment) []string {
	now, _ := modelOf(s.asked, model)
	before, _ := modelOf(s.askedBefore, old)
	asked, found := environmentOf(now, e.Name)
	was, existed := environmentOf(before, e.Name)
	switch {
	case !found || !existed || (asked.Release == 0) == (was.Release == 0):
		return nil
	case asked.Release == 0:
		return []string{"follows latest"}
	}
	return []string{fmt.Sprintf("stays at release %d", asked.Release)}
}

// waive tells that the gate is not asked any more, or again.
func (s *story) waive(model string, was, e schema.Environment) {
	switch {
	case was.Waive == e.Waive:
	case e.Waive == "":
		s.say(model, e.Name, "waive", "no longer")
	default:
		s.say(model, e.Name, "waive", "%s", e.Waive)
	}
}

// waits tells which environments were put to wait for a release that is not there yet.
func (s *story) waits(m schema.Model, old string) {
	now, _ := modelOf(s.asked, m.Name)
	before, known := modelOf(s.askedBefore, old)
	for _, e := range now.Serve {
		was, existed := environmentOf(before, e.Name)
		_, reason := Served(s.asked.Selected[m.Name], e)
		_, frozen := s.asked.Frozen(m.Name, e.Name)
		if reason != "" && known && !frozen && (!existed || was.Release != e.Release) {
			s.say(m.Name, e.Name, "hold", "%s", reason)
		}
	}
}

// environmentOf finds an environment of a model by its name.
func environmentOf(m schema.Model, name string) (schema.Environment, bool) {
	i := slices.IndexFunc(m.Serve, func(e schema.Environment) bool { return e.Name == name })
	if i < 0 {
		return schema.Environment{}, false
	}
	return m.Serve[i], true
}

// replicas is how many an environment asks for, in words.
func replicas(e schema.Environment) string {
	if a := e.Autoscale; a != nil {
		return fmt.Sprintf("%d to %d at %d %% CPU", a.Min, a.Max, a.CPU)
	}
	return fmt.Sprint(e.Replicas)
}

// checked is what an environment asks of what it serves; empty for nothing.
func checked(e schema.Environment) string {
	if e.Check == nil {
		return ""
	}
	return e.Check.Data + " " + gate(e.Check.Expect)
}
