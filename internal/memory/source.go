// Package memory holds working twins of the repository and the engines, in memory and under the control of a test: the loop is
// tried against them in microseconds, with days and faults that the real ones would need hours for.
package memory

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing/fstest"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Source is a branch in memory. Its zero value is a branch that does not exist yet.
type Source struct {
	mu      sync.Mutex
	commits []commit
	// Listings and Fetches count the calls of Tip and Fetch.
	Listings, Fetches int
	// Fault, when set, is the answer to every Commit, which happens all the same if lost.
	Fault func() (err error, lost bool)
	// Blocked is a file that no commit may write; empty for none.
	Blocked string
	// Trust, when set, says why a commit is not fetched; nil for one that is.
	Trust func(plan.Revision) error
	// Race, when set, runs once, before the next Commit compares the tip.
	Race func()
}

var errNoBranch = errors.New("the branch does not exist")

type commit struct {
	revision plan.Revision
	message  string
	files    tree
}

// Push commits files as a person would: they replace or, when nil, remove those of the tip.
func (s *Source) Push(message string, files map[string][]byte) plan.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(message, files)
}

func (s *Source) add(message string, files map[string][]byte) plan.Revision {
	parent := s.tip()
	next := maps.Clone(parent.files)
	if next == nil {
		next = tree{}
	}
	for name, content := range files {
		next[name] = content
		if content == nil {
			delete(next, name)
		}
	}
	sum := fmt.Sprintf("%x", sha1.Sum([]byte(string(parent.revision)+message+next.hash("."))))
	s.commits = append(s.commits, commit{plan.Revision(sum), message, next})
	return plan.Revision(sum)
}

// tip is the last commit; zero where there is none.
func (s *Source) tip() commit {
	if len(s.commits) == 0 {
		return commit{}
	}
	return s.commits[len(s.commits)-1]
}

// at returns the tip if it is the commit that was planned on.
func (s *Source) at(ctx context.Context, planned plan.Revision) (commit, error) {
	tip := s.tip()
	switch {
	case ctx.Err() != nil:
		return commit{}, context.Cause(ctx)
	case tip.revision == "":
		return commit{}, errNoBranch
	case tip.revision != planned:
		return commit{}, reconcile.ErrStale
	}
	return tip, nil
}

// Log returns the first lines of all commit messages, oldest first.
func (s *Source) Log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var subjects []string
	for _, c := range s.commits {
		subject, _, _ := strings.Cut(c.message, "\n")
		subjects = append(subjects, subject)
	}
	return subjects
}

// Message is the whole commit message of the tip.
func (s *Source) Message() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tip().message
}

// File returns the content of a file at the tip; empty where there is none.
func (s *Source) File(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.tip().files[name])
}

// Tip implements reconcile.Source.
func (s *Source) Tip(ctx context.Context) (plan.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Listings++
	tip, err := s.at(ctx, s.tip().revision)
	return tip.revision, err
}

// Fetch implements reconcile.Source.
func (s *Source) Fetch(ctx context.Context, revision plan.Revision) (schema.Tree, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Fetches++
	tip, err := s.at(ctx, revision)
	if err == nil && s.Trust != nil {
		err = s.Trust(revision)
	}
	if err != nil {
		return nil, err
	}
	return tip.files, nil
}

// Commit implements reconcile.Source.
func (s *Source) Commit(ctx context.Context, base plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	if race := s.Race; race != nil {
		s.Race = nil
		race()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.at(ctx, base); err != nil {
		return "", err
	}
	if edit.Files[s.Blocked] != nil {
		return "", &reconcile.BlockedError{Path: s.Blocked, Err: errors.New("edited and not committed")}
	}
	if s.Fault != nil {
		err, lost := s.Fault()
		if lost {
			s.add(edit.Message, edit.Files)
		}
		return "", err
	}
	return s.add(edit.Message, edit.Files), nil
}

// Proposals is a branch beside a Source.
type Proposals struct {
	Of     *Source
	Branch Source
}

// Proposed implements reconcile.Proposals.
func (p *Proposals) Proposed(context.Context) (plan.Revision, error) {
	p.Branch.mu.Lock()
	defer p.Branch.mu.Unlock()
	return p.Branch.tip().revision, nil
}

// FetchProposed implements reconcile.Proposals.
func (p *Proposals) FetchProposed(ctx context.Context, revision plan.Revision) (schema.Tree, error) {
	return p.Branch.Fetch(ctx, revision)
}

// Propose implements reconcile.Proposals.
func (p *Proposals) Propose(ctx context.Context, from, on plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	p.Of.mu.Lock()
	defer p.Of.mu.Unlock()
	base, err := p.Of.at(ctx, on)
	if err != nil {
		return "", err
	}
	p.Branch.mu.Lock()
	defer p.Branch.mu.Unlock()
	now := p.Branch.tip()
	if now.revision != from {
		return "", reconcile.ErrStale
	}
	files := maps.Clone(base.files)
	maps.Copy(files, edit.Files)
	for name := range now.files {
		if _, stays := files[name]; !stays {
			files[name] = nil
		}
	}
	return p.Branch.add(edit.Message, files), nil
}

// Merge puts what the branch has of these files into the Source, as people do with a pull request.
func (p *Proposals) Merge(names ...string) plan.Revision {
	files := map[string][]byte{}
	for _, name := range names {
		files[name] = []byte(p.Branch.File(name))
	}
	return p.Of.Push("merge", files)
}

// tree is the content of a commit by path.
type tree map[string][]byte

// Open implements fs.FS.
func (t tree) Open(name string) (fs.File, error) {
	files := fstest.MapFS{}
	for path, content := range t {
		files[path] = &fstest.MapFile{Data: content, Mode: 0o644}
	}
	return files.Open(name)
}

// Hash implements schema.Tree. It is no hash of git's, but as good for telling folders apart.
func (t tree) Hash(folder string) (string, error) {
	info, err := fs.Stat(t, folder)
	switch {
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s is a file, not a folder: %w", folder, fs.ErrNotExist)
	}
	return t.hash(folder), nil
}

func (t tree) hash(folder string) string {
	h := sha1.New()
	for _, name := range slices.Sorted(maps.Keys(t)) {
		below, inside := strings.CutPrefix(name, path.Clean(folder)+"/")
		if inside || folder == "." {
			fmt.Fprintf(h, "%s\x00%d\x00%s", below, len(t[name]), t[name])
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
