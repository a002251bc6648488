package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	human "k8s.io/apimachinery/pkg/util/duration"

	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// seen is what the cluster says of the daemon that follows the repository.
type seen struct {
	term   kube.Term
	status reconcile.Status
	fault  string // why the cluster can't say
	now    time.Time
}

// daemonJSON is what -o json says of the daemon.
type daemonJSON struct {
	Holder  string            `json:"holder,omitempty"` // of the lease, else who held it last
	Leads   bool              `json:"leads"`
	Seen    time.Time         `json:"seen,omitzero"`
	Status  *reconcile.Status `json:"status,omitempty"`
	Unknown string            `json:"unknown,omitempty"`
}

// seen asks the cluster about the daemon, unless it could not be asked about claims either.
func (d *daemon) seen(ctx context.Context, pass reconcile.Pass) seen {
	s := seen{now: time.Now()}
	if _, down := pass.Live.Unknown[render.Claim]; down {
		s.fault = "the cluster can't be asked"
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var err error
	if s.term, err = d.seat.leader(ctx); err == nil {
		s.status, err = d.status(ctx)
	}
	if err != nil {
		s.fault = reconcile.Line(err.Error())
	}
	return s
}

// status reads what the daemon that leads, or led last, has written; zero where none has.
func (d *daemon) status(ctx context.Context) (reconcile.Status, error) {
	report, err := d.seat.report()
	if err != nil {
		return reconcile.Status{}, err
	}
	text, err := report.Read(ctx)
	if err != nil || text == "" {
		return reconcile.Status{}, err
	}
	return reconcile.ParseStatus([]byte(text))
}

// leads reports whether a daemon has renewed its lease lately.
func (s seen) leads() bool {
	return s.term.Holder != "" && s.now.Before(s.term.Renewed.Add(s.term.Length))
}

// none reports whether no daemon has ever led.
func (s seen) none() bool { return s.term.Renewed.IsZero() && s.status.Holder == "" }

func (s seen) holder() string { return cmp.Or(s.term.Holder, s.status.Holder) }

// lines say whether a daemon lives, and what hinders it as a whole.
func (s seen) lines(pass reconcile.Pass) []string {
	all := s.alive()
	for _, w := range s.status.Waits {
		if w.Model == "" && !slices.Contains(slices.Collect(maps.Values(pass.Live.Unknown)), w.Reason) {
			all = append(all, fmt.Sprintf("daemon: for %s: %s", s.age(w.Since), w.Reason))
		}
	}
	if s.status.More > 0 {
		all = append(all, fmt.Sprintf("daemon: and %d more holds and failures", s.status.More))
	}
	return all
}

// alone are what there is to say where the repository can't be read: all that the daemon said last.
func (s seen) alone(words []string) []string {
	all := s.alive()
	for _, w := range s.status.Waits {
		if w.Model == "" || wanted(words, w.Model) {
			all = append(all, fmt.Sprintf("%s: %s (for %s)", schema.Scope{Model: w.Model, Environment: w.Environment}, w.Reason, s.age(w.Since)))
		}
	}
	return all
}

func (s seen) alive() []string {
	switch {
	case s.none() && s.fault != "":
		return []string{"daemon: unknown: " + s.fault}
	case s.none():
		return []string{"daemon: none has reported yet: nothing moves until one runs (trefoil run)"}
	case !s.leads():
		return s.hindered(fmt.Sprintf("daemon: not seen for %s (last: %s): nothing moves until one runs", s.age(s.lastSeen()), host(s.holder())))
	}
	line := fmt.Sprintf("daemon: %s leads, seen %s ago", host(s.holder()), s.age(s.term.Renewed))
	if s.status.Revision != "" {
		line += fmt.Sprintf(", plans on %s since %s ago", s.status.Revision.Short(), s.age(s.status.Since))
	}
	return s.hindered(line)
}

// hindered adds why the daemon can do nothing, or could not when it was seen last, and why that is not known.
func (s seen) hindered(line string) []string {
	all := []string{line}
	if s.status.Error != "" {
		all = append(all, fmt.Sprintf("daemon: since %s ago it can do nothing: %s", s.age(s.status.ErrorSince), s.status.Error))
	}
	if s.fault != "" {
		all = append(all, "daemon: its status can't be read: "+s.fault)
	}
	return all
}

func (s seen) lastSeen() time.Time {
	if s.term.Renewed.IsZero() {
		return s.status.Written
	}
	return s.term.Renewed
}

func (s seen) json() daemonJSON {
	j := daemonJSON{Holder: s.holder(), Leads: s.leads(), Seen: s.term.Renewed, Unknown: s.fault}
	if s.status.Holder != "" {
		j.Status = &s.status
	}
	return j
}

// age is "3s" or "2h13m". The daemon's clock may be ahead of ours.
func (s seen) age(t time.Time) string { return human.HumanDuration(max(0, s.now.Sub(t))) }

// host is the part of a holder's name that people know: the pod or machine.
func host(holder string) string {
	name, _, _ := strings.Cut(holder, "/")
	return name
}

// told adds to the lines of a model or environment since when they are so, and what only the daemon knows: what it tried and could not
// do, and why it waits where this command sees no reason to.
func (s seen) told(all []state, pass reconcile.Pass) []state {
	for i, line := range all {
		if hasCheck(line, pass) {
			all[i].State = s.checked(line, pass)
			continue
		}
		var more []string
		waits := !strings.HasPrefix(line.State[0], "next: ") && line.State[0] != upToDate && line.State[0] != available
		for _, w := range s.status.Waits {
			if w.Model != line.Model || w.Environment != line.Environment {
				continue
			}
			switch at := indexOf(line.State, w.Reason); {
			case at >= 0:
				all[i].State[at] += " (for " + s.age(w.Since) + ")"
			case w.Failed && s.concerns(w, line, pass):
				more = append(more, fmt.Sprintf("failed: %s (%s ago)", w.Reason, s.age(w.Since)))
			case !waits && s.status.Revision == pass.Revision && !w.Failed:
				more = append(more, fmt.Sprintf("the daemon waits: %s (for %s)", w.Reason, s.age(w.Since)))
			}
		}
		all[i].State = append(all[i].State, more...)
	}
	return all
}

// concerns reports whether a failure is still of interest: the daemon plans on the same revision, or this command plans the same.
func (s seen) concerns(w reconcile.Wait, line state, pass reconcile.Pass) bool {
	if s.status.Revision == pass.Revision {
		return true
	}
	for _, next := range line.State {
		if what, ok := strings.CutPrefix(next, "next: "); ok && w.Says(what) {
			return true
		}
	}
	return false
}

// indexOf is where in the lines a reason of the daemon's stands, which is shorter where it is long; -1 for nowhere.
func indexOf(lines []string, reason string) int {
	for i, line := range lines {
		if reconcile.Reason(line) == reason {
			return i
		}
	}
	return -1
}

// hasCheck reports whether a line is about an environment that serves what it asks for, and has a check.
func hasCheck(line state, pass reconcile.Pass) bool {
	i := slices.IndexFunc(pass.Catalog.Models, func(m schema.Model) bool { return m.Name == line.Model })
	checked := func(e schema.Environment) bool { return e.Name == line.Environment && e.Check != nil }
	return i >= 0 && slices.Equal(line.State, []string{available}) && slices.ContainsFunc(pass.Catalog.Models[i].Serve, checked)
}

// checked is the state of such an environment. Only the daemon asks the model: where it says nothing, the answer was right.
func (s seen) checked(line state, pass reconcile.Pass) []string {
	if s.status.Revision != pass.Revision || s.status.More > 0 || s.status.Error != "" || !s.leads() {
		return []string{available + ", as far as the cluster says: its check is asked by the daemon"}
	}
	var all []string
	for _, w := range s.status.Waits {
		if w.Model == line.Model && w.Environment == line.Environment {
			all = append(all, fmt.Sprintf("%s (for %s)", w.Reason, s.age(w.Since)))
		}
	}
	if len(all) == 0 {
		all = []string{available}
	}
	return all
}
