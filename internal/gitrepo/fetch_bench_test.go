package gitrepo

import (
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkFetch reads a branch with 10,000 files in one folder over http: at first, and after one of them was edited. It tells the
// kilobytes that the server sends and those of live heap that are kept; and beside that what `git fetch --depth 1` into a repository on
// disk is sent and takes, and its largest resident set. A ratio is ours over git's.
func BenchmarkFetch(b *testing.B) {
	s := serve(b, specs())
	s.grow(b, models(10_000, 1))
	edits := 1
	b.Run("first", func(b *testing.B) {
		c := compare(b, s)
		for b.Loop() {
			c.fetch(open(b, options(s.url)))
			c.fetchByGit(bareClone(b))
		}
		c.report()
	})
	b.Run("edit", func(b *testing.B) {
		c := compare(b, s)
		repo, dir := open(b, options(s.url)), bareClone(b)
		c.fetch(repo)
		c.fetchByGit(dir)
		c.ours, c.gits = cost{}, cost{}
		for b.Loop() {
			edits++
			s.grow(b, models(1, edits))
			c.fetch(repo)
			c.fetchByGit(dir)
		}
		c.report()
	})
}

// comparison is what fetches cost this package and git.
type comparison struct {
	*testing.B
	url        string
	sent       *atomic.Int64
	idle       uint64 // heap without a Repo
	ours, gits cost
}

type cost struct {
	times  int
	took   time.Duration
	sent   int64
	memory uint64 // bytes, after the last time or at most
}

func compare(b *testing.B, s *server) *comparison {
	return &comparison{B: b, url: s.url, sent: s.meter(), idle: liveHeap()}
}

func (c *comparison) fetch(repo *Repo) {
	begun := time.Now()
	tree := latest(c, repo)
	c.ours.add(begun, c.sent)
	c.ours.memory = liveHeap() - min(c.idle, liveHeap())
	runtime.KeepAlive(tree)
}

// fetchByGit has a repository on disk fetch the tip.
func (c *comparison) fetchByGit(dir string) {
	command := gitOf(dir, "fetch", "-q", "--depth", "1", c.url, "+main:main")
	begun := time.Now()
	if out, err := command.CombinedOutput(); err != nil {
		c.Fatalf("git fetch: %v\n%s", err, out)
	}
	c.gits.add(begun, c.sent)
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.gits.memory = max(c.gits.memory, uint64(usage.Maxrss)<<10) // Linux counts kilobytes, for git and those that it waited for
	}
}

func (c *cost) add(begun time.Time, sent *atomic.Int64) {
	c.times++
	c.took += time.Since(begun)
	c.sent += sent.Swap(0)
}

func (c *cost) report(b *testing.B, who, memory string) (ms, kilobytes float64) {
	ms = float64(c.took.Microseconds()) / 1000 / float64(c.times)
	kilobytes = float64(c.sent) / 1000 / float64(c.times)
	b.ReportMetric(ms, who+"-ms")
	b.ReportMetric(kilobytes, who+"-kB")
	b.ReportMetric(float64(c.memory)/1e6, who+memory)
	return ms, kilobytes
}

func (c *comparison) report() {
	ms, kilobytes := c.ours.report(c.B, "our", "-heap-MB")
	theirMs, theirKilobytes := c.gits.report(c.B, "git", "-resident-MB")
	c.ReportMetric(0, "ns/op") // of both together it would say nothing
	c.ReportMetric(ms/theirMs, "time-ratio")
	c.ReportMetric(kilobytes/theirKilobytes, "sent-ratio")
}

// bare is an empty repository on disk.
func bareClone(b *testing.B) string {
	dir := filepath.Join(b.TempDir(), "fetched.git")
	runGit(b, filepath.Dir(dir), "init", "-q", "--bare", "-b", "other", dir)
	return dir
}
