package gitrepo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestCloneFork(t *testing.T) {
	_, work := forked(t)
	c := cloned(t, work)
	main, feature := point(t, c, "main"), point(t, c, "feature")
	fork, err := c.Fork(main, feature)
	if want := runGit(t, work, "merge-base", "main", "feature"); err != nil || string(fork.Revision) != want {
		t.Errorf("the fork is %s, %v, not %s", fork.Revision, err, want)
	}
	want := []string{"b\n", "a\n\nTrefoil-Approve: rerun\n"}
	if got, err := c.Between(main, feature); err != nil || !slices.Equal(got, want) {
		t.Errorf("messages are %q, %v", got, err)
	}
	for _, same := range []Point{main, feature} {
		if fork, err := c.Fork(same, same); err != nil || fork.Revision != same.Revision {
			t.Errorf("the fork of %s and itself is %s, %v", same.Revision, fork.Revision, err)
		}
		if got, err := c.Between(same, same); err != nil || len(got) > 0 {
			t.Errorf("between %s and itself is %q, %v", same.Revision, got, err)
		}
	}
	runGit(t, work, "checkout", "-q", "--orphan", "other")
	runGit(t, work, "commit", "-q", "-m", "another history")
	other := point(t, c, "other")
	if _, err := c.Fork(main, other); !errors.Is(err, ErrUnrelated) {
		t.Errorf("two histories: %v", err)
	}
	if got, err := c.Between(main, other); err != nil || !slices.Equal(got, []string{"another history\n"}) {
		t.Errorf("between two histories: %q, %v", got, err)
	}
}

// TestCloneAncestry asks the real git about histories that were thrown with dice. Many commits are of the same second, as after a
// rebase, and some seem to be older than their parents.
func TestCloneAncestry(t *testing.T) {
	const commits, pairs = 40, 12
	for seed := range uint64(6) {
		dice := rand.New(rand.NewPCG(seed, 1))
		dir := imported(t, history(dice, commits))
		c := cloned(t, dir)
		for range pairs {
			base, head := fmt.Sprintf("c%d", dice.IntN(commits)), fmt.Sprintf("c%d", dice.IntN(commits))
			same(t, c, dir, base, head)
		}
	}
}

// TestCloneAncestryLate is a history of one second in which what the base has is found first by the short way that the head has to it.
func TestCloneAncestryLate(t *testing.T) {
	var b strings.Builder
	for i, parents := range [][]int{nil, {0}, {1}, {2}, {3}, {4}, {5}, {2, 1}} {
		commit(&b, i, 1_700_000_000, parents...)
	}
	dir := imported(t, b.String())
	same(t, cloned(t, dir), dir, "c6", "c7")
}

// commit writes the commit cN, which is the tip of a branch of its own.
func commit(b *strings.Builder, n, when int, parents ...int) {
	name := fmt.Sprintf("c%d", n)
	fmt.Fprintf(b, "commit refs/heads/%s\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\n", name, when, len(name), name)
	word := "from"
	for _, parent := range parents {
		fmt.Fprintf(b, "%s refs/heads/c%d\n", word, parent)
		word = "merge"
	}
}

// imported is a repository of what git fast-import reads.
func imported(t *testing.T, commits string) string {
	t.Helper()
	dir := t.TempDir()
	runGit(t, dir, "init", "-q", "-b", "c0")
	command := gitOf(dir, "fast-import", "--quiet")
	command.Stdin = strings.NewReader(commits)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// history is the input of git fast-import for commits c0, c1 and so on, each the tip of a branch of its own.
func history(dice *rand.Rand, commits int) string {
	var b strings.Builder
	when := 1_700_000_000
	for i := range commits {
		when += dice.IntN(2) * dice.IntN(90_000)
		at := when - dice.IntN(2)*dice.IntN(40_000)
		var parents []int
		for range min(i, 1+dice.IntN(3)*dice.IntN(2)) {
			parents = append(parents, max(0, i-1-dice.IntN(6)))
		}
		commit(&b, i, at, parents...)
	}
	return b.String()
}

func same(t *testing.T, c *Clone, dir, base, head string) {
	t.Helper()
	var bases []string
	command := gitOf(dir, "merge-base", "--all", base, head)
	if out, err := command.Output(); err == nil { // 1: there is none
		bases = strings.Fields(string(out))
	}
	fork, err := c.Fork(point(t, c, base), point(t, c, head))
	if len(bases) == 0 && !errors.Is(err, ErrUnrelated) || len(bases) > 0 && !slices.Contains(bases, string(fork.Revision)) {
		t.Errorf("%s: the fork of %s and %s is %s, %v; git says %s", dir, base, head, fork.Revision, err, bases)
	}
	want := strings.Fields(runGit(t, dir, "log", "--format=%s", base+".."+head))
	got, err := c.Between(point(t, c, base), point(t, c, head))
	slices.Sort(want)
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("between %s and %s, %v (-git +got):\n%s", base, head, err, diff)
	}
}

func TestCloneBetweenManyCommits(t *testing.T) {
	var b strings.Builder
	for i := range mostBetween + 5 {
		name := fmt.Sprint(i)
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\n", 1_700_000_000+i, len(name), name)
	}
	c := cloned(t, imported(t, b.String()))
	got, err := c.Between(point(t, c, "main~1003"), point(t, c, "main"))
	if err != nil || len(got) != mostBetween || strings.TrimSpace(got[0]) != fmt.Sprint(mostBetween+4) {
		t.Errorf("%d messages, %v", len(got), err)
	}
}
