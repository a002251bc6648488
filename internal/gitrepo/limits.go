package gitrepo

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// limits bound what a server can make this process hold and how long it can make it wait.
type limits struct {
	refs    int64         // bytes of a list of references
	pack    int64         // bytes of a pack as it is sent
	content int64         // bytes of all its objects together, inflated
	objects uint32        // how many they are
	file    int64         // bytes of one file that is opened
	entries int           // files and folders below the folder of the specs, each as often as it is listed
	depth   int           // how many folders lie in each other there
	list    time.Duration // of a call that lists, where its context has no deadline
	move    time.Duration // of a call that moves objects, likewise
}

// defaultLimits leave room for a repository that also holds the code of its models, and none for one that holds the models.
func defaultLimits() limits {
	return limits{
		refs: 16 << 20, pack: 128 << 20, content: 512 << 20, objects: 500_000, file: 16 << 20, entries: 500_000, depth: 100,
		list: 30 * time.Second, move: 2 * time.Minute,
	}
}

// errTooLarge says that a server sends more than this package takes.
var errTooLarge = errors.New("the answer is too large")

// limitError is errTooLarge with what it is that is too large, and what to do.
type limitError struct{ what, try string }

func (e *limitError) Error() string { return fmt.Sprintf("%v, %s: %s", errTooLarge, e.what, e.try) }

func (e *limitError) Is(target error) bool { return target == errTooLarge } //nolint:errorlint // it is that very one

const keepOut = "keep large files out of a spec repository"

func (l *limits) overRefs() error {
	return &limitError{"its list of branches and tags has more than " + size(l.refs), "delete those that nobody needs"}
}

func (l *limits) overPack() error {
	return &limitError{"one commit is more than " + size(l.pack) + " as it is sent", keepOut}
}

func (l *limits) overContent() error {
	return &limitError{"the files of one commit are more than " + size(l.content), keepOut}
}

func (l *limits) overObjects() error {
	return &limitError{fmt.Sprintf("one commit has more than %d files and folders", l.objects), "keep other things than specs and code in another repository"}
}

// size is a number of bytes as people read it.
func size(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// capped reads at most left bytes and fails where there are more, so that a cut answer is never taken for a whole one.
type capped struct {
	io.Reader
	left int64
	over error
}

func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.Reader.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, c.over
	}
	return n, err
}
