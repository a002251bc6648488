package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// tale is what the commits of a branch tell.
type tale struct {
	events  []event         // newest first
	names   map[string]bool // of all models that there were
	looked  int             // commits
	older   bool            // there are more commits
	shallow bool            // which are not in this clone
	past    plan.Past
}

// tell follows the branch from the oldest commit that is looked at to its tip. The commit before that is read too, for the oldest
// one to be compared with.
func (a *app) tell(cmd *cobra.Command, limit int) (tale, error) {
	log, err := a.commits(cmd, limit+1)
	if err != nil {
		return tale{}, err
	}
	t := tale{names: map[string]bool{}, older: log.Older || len(log.Commits) > limit}
	t.shallow = log.Older && len(log.Commits) <= limit
	defer a.progress("")
	var last spec
	for i, commit := range slices.Backward(log.Commits) {
		a.progress(fmt.Sprintf("%s to go", count(i+1, "commit")))
		next, fresh, err := a.after(cmd.Context(), last, commit.Tree)
		if err != nil {
			return tale{}, fmt.Errorf("commit %s: %w", commit.Revision.Short(), err)
		}
		last = next
		cut := t.older && i == len(log.Commits)-1
		if !cut {
			t.looked++
		}
		if fresh {
			t.take(commit, next.catalog, cut)
		}
	}
	slices.Reverse(t.events)
	return t, nil
}

// progress shows a line to a person who waits at a terminal, until the next one takes its place.
func (a *app) progress(line string) {
	f, ok := a.err.(*os.File)
	if !ok {
		return
	}
	if about, err := f.Stat(); err == nil && about.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(f, "\r\x1b[K"+line)
	}
}

// take goes on with what a commit says; cut says that what was before it is not known.
func (t *tale) take(commit gitrepo.Commit, c schema.Catalog, cut bool) {
	var changes []plan.Change
	if cut {
		t.past = plan.Since(c)
	} else {
		t.past, changes = t.past.Follow(c)
	}
	for _, c := range slices.Backward(changes) {
		t.events = append(t.events, event{commit, c})
		t.names[c.Model] = true
	}
	t.learn(c)
}

// learn remembers the names that models have.
func (t *tale) learn(c schema.Catalog) {
	for _, name := range named(c, plan.Plan{}) {
		t.names[name] = true
	}
	for name := range c.Selected {
		t.names[name] = true
	}
	delete(t.names, "")
}

// commits reads the folder of -C, or the branch of --repo where only that flag is given.
func (a *app) commits(cmd *cobra.Command, most int) (gitrepo.Log, error) {
	if cmd.Flags().Changed("directory") || !cmd.Flags().Changed("repo") {
		return gitrepo.ReadLog(a.flags.dir, most)
	}
	c, err := a.config(cmd.Flags())
	if err != nil {
		return gitrepo.Log{}, err
	}
	repo, err := c.source()
	if err != nil {
		return gitrepo.Log{}, err
	}
	return repo.Log(cmd.Context(), most)
}

// tries are how often a commit is loaded for which time was too short; each goes on where the one before ended.
const tries = 3

// spec is the tree of a commit and what it says.
type spec struct {
	tree    schema.Tree
	catalog schema.Catalog
}

// after reads the commit that comes after; it is fresh where it may say something else. Specs that can't be read are an error of
// that commit, and before the first ones there is nothing.
func (a *app) after(ctx context.Context, last spec, tree schema.Tree) (next spec, fresh bool, err error) {
	switch {
	case last.tree == nil && len(specNames(tree)) == 0:
		return last, false, nil
	case last.tree != nil && unchanged(last, tree):
		return last, false, nil
	}
	c, err := a.load(ctx, tree)
	for n := 1; n < tries && err == nil && c.Again; n++ {
		c, err = a.load(ctx, tree)
	}
	if err != nil {
		why := unread(tree)
		if why == nil {
			return spec{}, false, err
		}
		c.Findings = []schema.Finding{{Code: "unreadable", Severity: schema.Error, Pos: schema.Position{File: "specs"}, Message: why.Error()}}
	}
	return spec{tree, c}, true, nil
}

// unread returns why the specs of a tree can't be read; nil where they can.
func unread(tree schema.Tree) error {
	for _, folder := range []string{".", "selected"} {
		entries, err := fs.ReadDir(tree, folder)
		if err != nil && (folder == "." || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
		for _, e := range entries {
			if name := path.Join(folder, e.Name()); e.Type().IsRegular() && path.Ext(name) == ".cue" {
				if _, err := fs.ReadFile(tree, name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// unchanged reports that a tree says what the last one says. After an error nobody knows on what else that depends.
func unchanged(last spec, tree schema.Tree) bool {
	if sameFolder(last.tree, tree, ".") {
		return true
	}
	folders := []string{"selected"}
	for _, m := range last.catalog.Models {
		folders = append(folders, m.Train.Source.Path)
		if m.Package != nil {
			folders = append(folders, m.Package.Source.Path)
		}
	}
	return len(faults(last.catalog, nil)) == 0 && sameSpecs(last.tree, tree) &&
		!slices.ContainsFunc(folders, func(f string) bool { return f != "" && !sameFolder(last.tree, tree, f) })
}

func sameFolder(a, b schema.Tree, folder string) bool {
	x, err1 := a.Hash(folder)
	y, err2 := b.Hash(folder)
	return x == y && (err1 == nil) == (err2 == nil)
}

func sameSpecs(a, b schema.Tree) bool {
	names := specNames(a)
	return slices.Equal(names, specNames(b)) && !slices.ContainsFunc(names, func(name string) bool {
		x, err1 := fs.ReadFile(a, name)
		y, err2 := fs.ReadFile(b, name)
		return err1 != nil || err2 != nil || !bytes.Equal(x, y)
	})
}

func specNames(tree schema.Tree) []string {
	names, _ := fs.Glob(tree, "*.cue") // nothing, where it can't be read
	return names
}
