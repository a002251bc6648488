package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

func (a *app) history() *cobra.Command {
	const most = 10_000 // what a server can be asked for, and a person waits for
	var limit int
	cmd := &cobra.Command{
		Use:   "history [MODEL...]",
		Short: "Say what was released when: what each commit did to each model",
		Long: "Says, newest first, what each commit of the branch did to each model and environment, in the words of plan, and who made\n" +
			"it. No engine is asked, and what was not committed does not count. What was merged is one commit. While a commit is invalid,\n" +
			"what its errors freeze stays as it was. Names may be of models that are gone; what a model was called before belongs to it.\n\n" +
			"Exit code 0: told. 1: an error.",
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			if limit < 1 || limit > most {
				return fmt.Errorf("--limit: from 1 to %d commits are looked at", most)
			}
			t, err := a.tell(cmd, limit)
			if err != nil {
				return err
			}
			if err := among(words, slices.Sorted(maps.Keys(t.names))); err != nil {
				return err
			}
			t.events = narrowed(t.events, words)
			return a.printTale(t)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many `commits` are looked at")
	return cmd
}

// event is one thing that a commit did.
type event struct {
	commit gitrepo.Commit
	change plan.Change
}

// narrowed leaves the events of the models that the words name, under their earlier names too, and of all models.
func narrowed(newestFirst []event, words []string) []event {
	if len(words) == 0 {
		return newestFirst
	}
	words = slices.Clone(words)
	var all []event
	for _, e := range newestFirst {
		c := e.change
		mine := slices.Contains(words, c.Model)
		if mine && c.From != "" {
			words = append(words, c.From)
		}
		if mine || c.Model == "" || slices.Contains(words, c.From) {
			all = append(all, e)
		}
	}
	return all
}

// eventJSON is what -o json says of an event. Without a model it is about the whole revision.
type eventJSON struct {
	Date        string `json:"date"`
	Commit      string `json:"commit"`
	Author      string `json:"author"`
	Model       string `json:"model,omitempty"`
	Environment string `json:"environment,omitempty"`
	Action      string `json:"action"`
	Text        string `json:"text"`
	Release     int    `json:"release,omitempty"`
	Image       string `json:"image,omitempty"`
	From        string `json:"from,omitempty"` // the name before a rename
}

func (a *app) printTale(t tale) error {
	events := []eventJSON{}
	for _, e := range t.events {
		c := e.change
		events = append(events, eventJSON{
			e.commit.Date.UTC().Format(time.RFC3339), string(e.commit.Revision), reconcile.Line(e.commit.Author),
			reconcile.Line(c.Model), reconcile.Line(c.Environment), c.Word, reconcile.Line(c.Detail), c.Release, reconcile.Line(c.Image), reconcile.Line(c.From),
		})
	}
	if printed, err := a.json(map[string]any{"format_version": formatVersion, "events": events, "older": t.older}); printed || err != nil {
		return err
	}
	a.printEvents(t.events)
	if len(t.events) == 0 {
		fmt.Fprintf(a.out, "nothing happened in %s\n", count(t.looked, "commit"))
	}
	switch {
	case t.shallow:
		fmt.Fprintln(a.out, "older commits are not in this clone: git fetch --unshallow")
	case t.older:
		fmt.Fprintln(a.out, "older commits were not looked at: --limit")
	}
	return nil
}

// printEvents prints columns. What happened is cut, and where it is long the author stands beside the column.
func (a *app) printEvents(events []event) {
	const wide, longest = 64, 120
	var rows [][4]string
	var width [4]int
	for _, e := range events {
		c := e.change
		row := [4]string{
			reconcile.Line(schema.Scope{Model: c.Model, Environment: c.Environment}.String()), c.Word,
			cut(reconcile.Line(c.Detail), longest), cut(reconcile.Line(e.commit.Author), wide),
		}
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
		rows = append(rows, row)
	}
	for i, row := range rows {
		c := events[i].commit
		line := fmt.Sprintf("%s  %s  %-*s  %-*s  %-*s  %s", c.Date.UTC().Format("2006-01-02 15:04Z"), c.Revision.Short(),
			width[0], row[0], width[1], row[1], min(width[2], wide), row[2], row[3])
		fmt.Fprintln(a.out, strings.TrimRight(line, " "))
	}
}

// cut shortens a line to that many characters.
func cut(line string, most int) string {
	if all := []rune(line); len(all) > most {
		return string(all[:most-1]) + "…"
	}
	return line
}
