package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/reconcile/review"
	"github.com/trefoil-gitops/trefoil/schema"
)

// worktree is what --head calls the files as they are on disk.
const worktree = "worktree"

// planBase says what merging the head into the base does.
func (a *app) planBase(cmd *cobra.Command, words []string, f planFlags) error {
	if err := a.reviews("text", "json", "markdown"); err != nil {
		return err
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	c, err := a.config(cmd.Flags())
	if err != nil {
		return err
	}
	two, err := a.compared(cmd.Context(), f.base, f.head)
	if err != nil {
		return err
	}
	in := review.Input{Base: two.base, Head: two.head, Settings: c.settings(), Limits: c.limits(), Notes: two.notes, Masks: masks}
	if f.live {
		if in.Live, in.Now, err = a.observed(cmd, f.here); err != nil {
			return err
		}
	}
	if err := two.know(words); err != nil {
		return err
	}
	r := review.Make(in).Only(words)
	unapproved := f.unapproved(&r, two.messages)
	for _, what := range unapproved {
		r.Notes = append(r.Notes, "needs a word in git: "+what)
	}
	if err := a.printReview(r, unapproved); err != nil {
		return err
	}
	return f.ends(r, unapproved)
}

// masks hide what looks like a secret: what is said of a change may be read by more people than the repository.
func masks() review.Mask { return newMask(func(text string) string { return text }).value }

// observed is what the engines hold of the configured repository's objects.
func (a *app) observed(cmd *cobra.Command, here localFlags) (*plan.Live, time.Time, error) {
	d, err := a.looker(cmd, here)
	if err != nil {
		return nil, time.Time{}, err
	}
	pass, err := d.loop.Plan(cmd.Context())
	if err == nil {
		err = blind(pass)
	}
	return &pass.Live, time.Now(), err
}

// comparison is what is compared, and what people should know of how.
type comparison struct {
	base, head review.Side
	messages   func() ([]string, error) // of the commits that only the head has
	notes      []string
}

// know complains of words that name no model of either side.
func (two comparison) know(words []string) error {
	if _, frozen := two.head.Catalog.Frozen("", ""); frozen {
		return nil // nobody knows what models there are
	}
	names := slices.Concat(named(two.head.Catalog, plan.Plan{}), named(two.base.Catalog, plan.Plan{}))
	slices.Sort(names)
	return among(words, slices.Compact(names))
}

// compared reads the base at the commit where the head left it, and the head.
func (a *app) compared(ctx context.Context, base, head string) (comparison, error) {
	clone, err := gitrepo.OpenClone(a.flags.dir)
	if err != nil {
		return comparison{}, err
	}
	if commitOf(head) == "HEAD" && gitrepo.Head(a.flags.dir) == "" {
		return comparison{}, fmt.Errorf("%s: nothing was committed yet", a.flags.dir)
	}
	onto, err := clone.Point(base)
	if err != nil {
		return comparison{}, fmt.Errorf("--base: %w", err)
	}
	tip, err := clone.Point(commitOf(head))
	if err != nil {
		return comparison{}, fmt.Errorf("--head: %w", err)
	}
	two := comparison{messages: func() ([]string, error) { return clone.Between(onto, tip) }}
	fork, err := clone.Fork(onto, tip)
	switch {
	case errors.Is(err, gitrepo.ErrUnrelated):
		fork = onto
		two.notes = append(two.notes, fmt.Sprintf(
			"where the head left %s is not in this clone, so all that differs from its tip counts; where that is shallow, fetch-depth: 0 helps", base))
	case err != nil:
		return comparison{}, err
	case fork.Revision != onto.Revision:
		two.notes = append(two.notes,
			fmt.Sprintf("%s has moved on since %s: what changed there does not count here", base, fork.Revision.Short()))
	}
	var failed struct{ base, head error }
	var reading sync.WaitGroup
	reading.Go(func() { failed.base = a.readBase(ctx, clone, base, fork, &two) })
	reading.Go(func() { failed.head = a.readHead(ctx, head, tip, &two) })
	reading.Wait()
	return two, cmp.Or(failed.base, failed.head)
}

// commitOf is the commit that a head is at, or that its files were checked out of.
func commitOf(head string) string {
	if head == "" || head == worktree {
		return "HEAD"
	}
	return head
}

// lookback is for how many commits a base is looked for that validates as a whole, as a daemon goes on with the last good one.
const lookback = 20

// readBase reads the last good commit at or before a point. Where none has ever had specs that is no fault: these are the first ones.
func (a *app) readBase(ctx context.Context, clone *gitrepo.Clone, name string, p gitrepo.Point, two *comparison) error {
	wrong, specs := "", false
	for at, more, n := p, true, 0; more && n < lookback; n++ {
		c, err := a.load(ctx, at.Tree)
		if err != nil {
			return fmt.Errorf("--base %s: %w", name, err)
		}
		f, frozen := c.Frozen("", "")
		if n == 0 || !frozen {
			two.base = review.Side{Name: name, Revision: at.Revision, Catalog: c}
		}
		if !frozen {
			break
		}
		wrong, specs = cmp.Or(wrong, fmt.Sprintf("%s: %s: %s", f.Pos, f.Code, f.Message)), specs || f.Code != schema.CodeNoSpec
		at, more = clone.Before(at)
	}
	_, frozen := two.base.Catalog.Frozen("", "")
	switch {
	case frozen && !specs:
		two.base.Catalog = schema.Catalog{}
	case !frozen && wrong != "":
		two.notes = append(two.notes, fmt.Sprintf("%s does not validate (%s), so this compares with %s", name, wrong, two.base.Revision.Short()))
	}
	return nil
}

func (a *app) readHead(ctx context.Context, name string, p gitrepo.Point, two *comparison) error {
	var err error
	tree := p.Tree
	two.head = review.Side{Name: name, Revision: p.Revision}
	if name == "" || name == worktree {
		two.head = review.Side{Name: "the work tree"}
		if tree, err = gitrepo.Worktree(a.flags.dir); err != nil {
			return err
		}
	}
	if two.head.Catalog, err = a.load(ctx, tree); err != nil {
		return fmt.Errorf("--head: %w", err)
	}
	return nil
}
