package local

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

const (
	// largestLog is how many bytes of what a process says are kept: the first ones.
	largestLog = 8 << 20
	// tailBytes is how much of the end of a log is kept in memory; tailLines and tailLine are how many lines and bytes of that
	// people are shown.
	tailBytes = 4 << 10
	tailLines = 5
	tailLine  = 140
)

// logFile keeps what a process says, up to largestLog bytes, and the end of it whatever its length. It is safe for concurrent use.
type logFile struct {
	mu    sync.Mutex
	file  *os.File
	size  int
	ended redact.Tail
}

// createLog makes the file anew.
func createLog(name string) (*logFile, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &logFile{file: f, ended: redact.Tail{Most: tailBytes}}, nil
}

// Write never fails: a full disk ends no process that only wants to say something.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if keep := min(len(p), largestLog-l.size); keep > 0 {
		_, _ = l.file.Write(p[:keep])
		if keep < len(p) || l.size+keep == largestLog {
			fmt.Fprintf(l.file, "\n(cut here, after %d bytes)\n", largestLog)
		}
		l.size += keep
	}
	return l.ended.Write(p)
}

func (l *logFile) Close() error { return l.file.Close() }

// tail are the last lines, joined, as one line for people.
func (l *logFile) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return lastLines(l.ended.Text())
}

// lastLines are those that fit into what people read in one line, the very last whatever its length, without secrets and colours (I6).
func lastLines(text []byte) string {
	lines := strings.Split(strings.TrimSpace(redact.Log(string(text))), "\n")
	said := ""
	for i := len(lines) - 1; i >= max(0, len(lines)-tailLines); i-- {
		line := reconcile.Line(lines[i])
		switch {
		case line == "":
		case said == "":
			said = line
		case len(line)+len(said) > tailLine:
			return said
		default:
			said = line + " | " + said
		}
	}
	return said
}

// words are what a process said last, and where all of it is: as the folder that holds it is called, which is shorter than its path.
func words(said, file string) string {
	if said == "" {
		return "it said nothing"
	}
	return "log " + file + " ends: " + said
}

var _ io.WriteCloser = (*logFile)(nil)
