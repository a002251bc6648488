package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

// Lock says that one process works in a folder. The system lets go of it when that process ends, however it does.
type Lock struct{ file *os.File }

// Holder is who has the lock of a folder.
type Holder struct {
	Name string `json:"name"` // as in claims
	// Address is where predictions are answered, http://127.0.0.1:PORT.
	Address string `json:"address"`
}

// ErrLocked says that another process works in the folder.
var ErrLocked = errors.New("another trefoil runs here")

// TakeLock takes the lock of a folder, which is made where it is missing. The error is ErrLocked where somebody has it.
func TakeLock(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(lockFile(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for end := time.Now().Add(glance); errors.Is(err, syscall.EWOULDBLOCK) && time.Now().Before(end); {
		time.Sleep(glance / 10) // somebody may only look whether it is held
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", lockFile(dir), err)
	}
	return &Lock{f}, nil
}

// glance is for how long ReadLock may keep a lock from being taken, and more.
const glance = 200 * time.Millisecond

// Lost reports whether the folder was removed, or replaced: another process may have the lock of the one that is there now.
func (l *Lock) Lost() bool {
	ours, err := l.file.Stat()
	if err != nil {
		return true
	}
	now, err := os.Stat(l.file.Name())
	return err != nil || !os.SameFile(ours, now)
}

// Say notes who has the lock, for ReadLock.
func (l *Lock) Say(h Holder) error {
	text, err := json.Marshal(h)
	if err == nil {
		err = l.file.Truncate(0)
	}
	if err == nil {
		_, err = l.file.WriteAt(text, 0)
	}
	return err
}

// Release lets go.
func (l *Lock) Release() { _ = l.file.Close() } // the lock goes with it

// ReadLock returns who has the lock of a folder, or had it last, and whether somebody has it now. Where nobody ever had, all is zero.
func ReadLock(dir string) (Holder, bool, error) {
	f, err := os.Open(lockFile(dir))
	if errors.Is(err, os.ErrNotExist) {
		return Holder{}, false, nil
	}
	if err != nil {
		return Holder{}, false, err
	}
	defer f.Close()
	held := errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
	var h Holder
	_ = json.NewDecoder(f).Decode(&h) // zero while it is being written
	return Holder{reconcile.Line(h.Name), reconcile.Line(h.Address)}, held, nil
}

func lockFile(dir string) string { return filepath.Join(dir, "lock") }
