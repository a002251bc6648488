package gitrepo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// models are so many models in files of their own, which say by which edit they were written.
func models(n, edit int) map[string]string {
	files := make(map[string]string, n)
	for i := range n {
		files[modelName(i)] = modelFile(i, edit)
	}
	return files
}

func modelName(i int) string { return fmt.Sprintf("model%05d.cue", i) }

func modelFile(i, edit int) string {
	return fmt.Sprintf("package models\n\nmodels: m%05d: {\n\towner: \"team%d@example.com\"\n\tlabels: edit: \"%d\"\n}\n", i, i%17, edit)
}

// metered counts the bytes that a command sends over its standard output.
type metered struct {
	remote
	sent *atomic.Int64
}

func (m metered) read(ctx context.Context) (reading, error) {
	session, err := m.remote.read(ctx)
	if stream, ok := session.(*stream); ok {
		stream.out.Reader = io.TeeReader(stream.out.Reader, meter{m.sent})
	}
	return session, err
}

type meter struct{ sent *atomic.Int64 }

func (m meter) Write(p []byte) (int, error) {
	m.sent.Add(int64(len(p)))
	return len(p), nil
}

// meteredWriter counts the bytes of answers.
type meteredWriter struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (w meteredWriter) Write(p []byte) (int, error) {
	w.sent.Add(int64(len(p)))
	return w.ResponseWriter.Write(p)
}

// weigh counts what the server sends to a Repo, whichever way.
func (s *server) weigh(repo *Repo) *atomic.Int64 {
	sent := s.meter()
	repo.remote = metered{repo.remote, sent}
	return sent
}

// meter counts what the server sends over http.
func (s *server) meter() *atomic.Int64 {
	sent := new(atomic.Int64)
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(meteredWriter{w, sent}, r)
	})
	return sent
}

// grow puts commits on top of the branch, of which each writes some files.
func (s *server) grow(t testing.TB, changes ...map[string]string) []plan.Revision {
	t.Helper()
	from := s.tip(t)
	var stream strings.Builder
	for i, files := range changes {
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter Ada <ada@example.com> %d +0000\ndata 5\ngrow\n", 1767323045+i)
		if i == 0 {
			fmt.Fprintf(&stream, "from %s\n", from)
		}
		for name, text := range files {
			fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
		}
	}
	command := gitOf(s.dir, "fast-import", "--quiet")
	command.Stdin = strings.NewReader(stream.String())
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("git fast-import: %v\n%s", err, out)
	}
	var tips []plan.Revision
	for tip := range strings.FieldsSeq(runGit(t, s.dir, "rev-list", "--reverse", string(from)+"..main")) {
		tips = append(tips, plan.Revision(tip))
	}
	return tips
}

// move puts the branch where it is told, without the time that git takes.
func (s *server) move(t testing.TB, tip plan.Revision) {
	t.Helper()
	write(t, s.dir, map[string]string{"refs/heads/main": string(tip) + "\n"})
}

// liveHeap is what is in use once nothing is left to be collected.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
