package gitrepo

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Checkout is the branch that is checked out in a person's work tree, whichever that is at the time: a switch of the branch is
// followed. Only what is committed is read. A commit moves the branch and brings its files into the work tree and git's index, and
// nothing else in them changes. It is safe for concurrent use, also by several processes.
type Checkout struct {
	top      string // of the work tree, absolute
	own      string // git's folder of this work tree, with HEAD and the index
	common   string // git's folder of all work trees of the repository, with the branches
	fileMode bool   // whether executable bits on disk mean anything
	options  Options
	limits   limits
}

var _ reconcile.Source = (*Checkout)(nil)

// OpenCheckout finds the work tree that the folder dir lies in; dir is the root of the specs. Every commit will have that author.
// Which branch is checked out, if any, is looked at by the calls that follow.
func OpenCheckout(ctx context.Context, dir, authorName, authorEmail string) (*Checkout, error) {
	c := &Checkout{options: Options{AuthorName: authorName, AuthorEmail: authorEmail}, limits: defaultLimits()}
	if err := c.options.checkAuthor(); err != nil {
		return nil, err
	}
	ctx, cancel := within(ctx, c.limits.list)
	defer cancel()
	if err := checkKind(ctx, dir); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	found, err := run(command(ctx, dir, "rev-parse", "--path-format=absolute",
		"--show-toplevel", "--absolute-git-dir", "--git-common-dir", "--show-prefix"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	places := strings.Split(found, "\n")
	if len(places) != 4 {
		return nil, fmt.Errorf("%s: a path with a line break in it is not taken", dir)
	}
	c.top, c.own, c.common = places[0], places[1], places[2]
	c.options.Path = strings.TrimSuffix(places[3], "/")
	mode, err := run(c.git(ctx, "config", "--type=bool", "--default=true", "--get", "core.fileMode"))
	c.fileMode = mode == "true"
	return c, err
}

// checkKind refuses what is no work tree, and repositories whose hashes would not be understood.
func checkKind(ctx context.Context, dir string) error {
	kind, err := run(command(ctx, dir, "rev-parse", "--is-inside-work-tree", "--show-object-format"))
	if err != nil {
		return fmt.Errorf("no repository of git, or one that git does not open (`git init` makes one): %w", err)
	}
	inside, format, _ := strings.Cut(kind, "\n")
	switch {
	case inside != "true":
		return errBare
	case format != "sha1":
		return errHashes(format)
	}
	return nil
}

// Tip returns the commit of the branch that is checked out now. If Trefoil was killed while it committed, that is brought to its
// end first. A detached HEAD and a branch without commits are errors.
func (c *Checkout) Tip(ctx context.Context) (plan.Revision, error) {
	ctx, cancel := within(ctx, c.limits.list)
	defer cancel()
	if err := c.resume(ctx); err != nil {
		return "", err
	}
	_, tip, err := c.head(ctx)
	return tip, err
}

// Fetch reads the content of a commit that Tip returned, committed files only. Where the branch that is checked out is not at that
// commit the error is [reconcile.ErrStale].
func (c *Checkout) Fetch(ctx context.Context, revision plan.Revision) (schema.Tree, error) {
	branch, _, err := c.head(ctx)
	if err != nil {
		return nil, err
	}
	return c.repo(branch).Fetch(ctx, revision)
}

// Commit puts one commit with the edit's files on top of base, which must be the tip of the branch that is checked out, and brings
// the files into the work tree. Paths are relative to the root of the specs, and none but selected/NAME.cue is taken. The same base
// and edit make the same commit.
//
// Where the branch is elsewhere, or another Trefoil is committing, the error is [reconcile.ErrStale]. Where one of the files is
// changed in the work tree or in git's index and that is not committed, or where a merge or the like is under way, the error says
// what to do about it. After each error the branch, the work tree and the index are as they were.
//
// Once the branch has moved there is no error: what could not be written to the work tree is finished, or complained about, by the
// next Tip.
func (c *Checkout) Commit(ctx context.Context, base plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	if err := checkEdit(edit); err != nil {
		return "", err
	}
	ctx, cancel := within(ctx, c.limits.move)
	defer cancel()
	guard, err := c.guard()
	if err != nil {
		return "", err
	}
	defer guard.Close()
	if err := c.heal(ctx); err != nil {
		return "", err
	}
	l, err := c.prepare(ctx, base, edit)
	if err != nil {
		return "", err
	}
	l.guard = guard
	return l.commit, l.land(ctx)
}

// prepare makes a commit without any trace of it in the repository.
func (c *Checkout) prepare(ctx context.Context, base plan.Revision, edit reconcile.Edit) (*landing, error) {
	branch, _, err := c.head(ctx)
	if err != nil {
		return nil, err
	}
	repo := c.repo(branch)
	tree, err := repo.fetch(ctx, base)
	if err != nil {
		return nil, err
	}
	draft, commit, err := repo.build(tree, []*object.Commit{tree.commit}, edit)
	if err != nil {
		return nil, err
	}
	pack, err := draft.pack()
	if err != nil {
		return nil, err
	}
	subject, _, _ := strings.Cut(edit.Message, "\n")
	return &landing{
		Checkout: c, branch: branch, base: base, commit: plan.Revision(commit.String()), subject: subject, pack: pack,
	}, nil
}

// head returns the branch that is checked out and its commit.
func (c *Checkout) head(ctx context.Context) (plumbing.ReferenceName, plan.Revision, error) {
	name, err := c.branch(ctx)
	switch {
	case err != nil:
		return "", "", err
	case name == "":
		return "", "", c.detached()
	}
	tip, err := run(c.git(ctx, "rev-parse", "--verify", "--quiet", name.String()+"^{commit}"))
	if answeredNo(err) {
		return "", "", fmt.Errorf("%s: branch %q has no commit yet: make a first one (`git add -A`, `git commit`)", c.top, name.Short())
	}
	return name, plan.Revision(tip), err
}

// branch returns the branch that is checked out, "" where HEAD is detached.
func (c *Checkout) branch(ctx context.Context) (plumbing.ReferenceName, error) {
	name, err := run(c.git(ctx, "symbolic-ref", "--quiet", "HEAD"))
	if branch := plumbing.ReferenceName(name); err == nil && branch.IsBranch() {
		return branch, nil
	}
	if answeredNo(err) {
		err = nil
	}
	return "", err
}

func (c *Checkout) detached() error {
	if doing := c.underWay(); doing != "" {
		return fmt.Errorf("%s: no branch is checked out while a %s is under way: finish it, or give it up (`git status` says how)", c.top, doing)
	}
	return fmt.Errorf("%s: no branch is checked out, HEAD is detached: check one out (`git switch BRANCH`)", c.top)
}

// repo is the repository at one of its branches, read by way of git's upload-pack.
func (c *Checkout) repo(branch plumbing.ReferenceName) *Repo {
	repo := &Repo{options: c.options, name: c.top, path: c.options.Path, branch: branch, limits: c.limits, secrets: new(redact.Memory)}
	repo.path = filepath.ToSlash(filepath.Clean(c.options.Path))
	repo.remote = &local{path: c.common, limits: &repo.limits, env: environment()}
	return repo
}
