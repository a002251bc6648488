package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

func (m *Model) note(format string, values ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, values...))
}

func (m *Model) warn(format string, values ...any) {
	m.Warnings = append(m.Warnings, fmt.Sprintf(format, values...))
}

// note tells what a reader has to know of the whole.
func (r *reviewer) note() {
	say := func(format string, values ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, values...)) }
	if n := len(r.BaseFindings); n > 0 {
		f := r.BaseFindings[0]
		say("%s does not validate (%s, the first: %s: %s: %s); what follows is against what of it does",
			r.Base.Name, counted(n, "error"), f.Pos, f.Code, f.Message)
	}
	if n, most := r.Experiments(), r.in.Limits.ExperimentsPerHour; n > most && most > 0 {
		say("%d experiments take %d hours to start: at most %d do in an hour", n, (n+most-1)/most, most)
	}
	was, now := r.in.Base.Catalog.Retired, r.in.Head.Catalog.Retired
	for _, place := range sorted(now) {
		if was[place] != now[place] {
			say("retired names %s: %q", place, now[place])
		}
	}
	for _, place := range sorted(was) {
		if _, still := now[place]; !still {
			say("retired does not name %s any more", place)
		}
	}
	for _, f := range r.in.Head.Catalog.Findings {
		told := slices.ContainsFunc(r.Models, func(m Model) bool { return m.Name == f.Scope.Model })
		if !told && r.warning(f) {
			say("%s: %s: %s", f.Pos, f.Code, f.Message)
		}
	}
}

// expect tells what is taken for done though git does not have it yet, of the models to which something happens after it.
func (r *reviewer) expect(before plan.Forecast) {
	awaited := map[string][]string{}
	for _, s := range before.Steps {
		if name := s.Scope.Model; !r.pending(name) && !slices.Contains(awaited[name], s.Word) {
			awaited[name] = append(awaited[name], s.Word)
		}
	}
	for _, name := range sorted(awaited) {
		if b := r.blocks[name]; b != nil && len(b.Steps) > 0 {
			b.note("what %s asks for is taken for done, and git does not have it yet: %s", r.in.Base.Name, strings.Join(awaited[name], ", "))
		}
	}
}
