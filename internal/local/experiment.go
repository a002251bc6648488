package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// place is the folder of an experiment.
type place struct{ uid, dir string }

// state is how far an experiment is, as it is kept in its folder. One without a state has not begun.
type state struct {
	Phase     plan.Phase
	Ended     time.Time
	Metrics   map[string]metric
	Artifacts map[string]string // sha256 of its outputs as far as they were asked for
	Message   string            // why it failed
}

// metric is a number that may be none, which JSON can't say.
type metric float64

// MarshalText writes NaN and infinities too.
func (m metric) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(m), 'g', -1, 64), nil
}

// UnmarshalText reads what MarshalText wrote.
func (m *metric) UnmarshalText(text []byte) error {
	f, err := strconv.ParseFloat(string(text), 64)
	*m = metric(f)
	return err
}

// place is where the n-th experiment of a search is, begun or not. The uid of an experiment is a function of its search and number.
func (e *Engine) place(search string, n int) place {
	sum := sha256.Sum256(fmt.Append(nil, search, "/", n))
	uid := hex.EncodeToString(sum[:len(sum)/2])
	return place{uid: uid, dir: filepath.Join(e.options.Dir, "experiments", uid)}
}

// find is the place of an experiment that has begun.
func (e *Engine) find(uid string) (place, error) {
	if _, err := hex.DecodeString(uid); err != nil || uid == "" {
		return place{}, missing(uid)
	}
	x := place{uid: uid, dir: filepath.Join(e.options.Dir, "experiments", uid)}
	if _, err := os.Stat(x.dir); err != nil {
		return place{}, missing(uid)
	}
	return x, nil
}

func (x place) outputs() string { return filepath.Join(x.dir, "outputs") }
func (x place) log() string     { return filepath.Join(x.dir, "log.txt") }

// shown is the log as people are told of it.
func (x place) shown() string {
	return filepath.Join(filepath.Base(filepath.Dir(filepath.Dir(x.dir))), "experiments", x.uid, "log.txt")
}

func (x place) state() string { return filepath.Join(x.dir, "state.json") }

// metricsFile is where a script without network may leave its metrics.
func (x place) metricsFile() string { return filepath.Join(x.dir, "metrics.json") }

// read is the state; zero for an experiment that has not begun.
func (x place) read() (state, error) {
	var s state
	text, err := os.ReadFile(x.state())
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("%s can't be read (delete the folder that it is in, and raise train.revision): %w", x.state(), err)
	}
	return s, nil
}

// noted changes the state of an experiment.
func (e *Engine) noted(x place, change func(*state)) error {
	e.states.Lock()
	defer e.states.Unlock()
	s, err := x.read()
	if err != nil {
		return err
	}
	change(&s)
	return writeJSON(x.state(), s)
}

// sum is the sha256 of a file below the outputs folder. The error says what is there instead, and what the experiment said last.
func (x place) sum(ctx context.Context, path string) (string, error) {
	root, err := os.OpenRoot(x.outputs()) // so that a link leads nowhere else
	if err != nil {
		return "", err
	}
	defer root.Close()
	f, err := regular(root.OpenFile(filepath.FromSlash(path), os.O_RDONLY|syscall.O_NONBLOCK, 0))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("experiment %.8s left no %s in its outputs (%s); %s: %w",
			x.uid, path, x.left(), words(x.said(), x.shown()), fs.ErrNotExist)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, reading{ctx, f}); err != nil {
		return "", fmt.Errorf("%s of experiment %.8s: %w", path, x.uid, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// regular refuses what is no file that can be read to its end. It has to be opened so that a pipe does not wait for a writer.
func regular(f *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	about, err := f.Stat()
	if err == nil && !about.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", f.Name())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// reading ends with its context.
type reading struct {
	ctx context.Context
	io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

// left is what is in the outputs folder, for people.
func (x place) left() string {
	const most = 5
	entries, _ := os.ReadDir(x.outputs()) // none where it can't be read
	var names []string
	for _, e := range entries[:min(most, len(entries))] {
		names = append(names, e.Name())
	}
	switch {
	case len(entries) == 0:
		return "nothing is there"
	case len(entries) > most:
		return fmt.Sprintf("there are %s and %d more", strings.Join(names, ", "), len(entries)-most)
	}
	return "there is " + strings.Join(names, ", ")
}

// said are the last lines of the log.
func (x place) said() string {
	f, err := os.Open(x.log())
	if err != nil {
		return ""
	}
	defer f.Close()
	if about, err := f.Stat(); err == nil && about.Size() > tailBytes {
		_, _ = f.Seek(-tailBytes-1, io.SeekEnd) // else all of it is read
	}
	ended := redact.Tail{Most: tailBytes}
	_, _ = io.Copy(&ended, f)
	return lastLines(ended.Text())
}
