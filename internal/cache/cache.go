// Package cache keeps on disk what can be computed again, so that the next command need not. It is never in the way: what can't be
// read is not there, what can't be written is not kept, and what was cut short, changed or put there by others is not believed.
package cache

import (
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Dir is a folder of kept values. Many processes may use it at once; each value is written whole or not at all.
type Dir struct {
	path    string
	program string
	most    int64
}

// Open returns the cache in a folder, which need not exist, for one version of the program: those of others see nothing of it. All
// values of all versions come to so many bytes at most; then those go that were not used for the longest time.
func Open(path, program string, most int64) *Dir {
	return &Dir{path: path, program: name(program), most: most}
}

// Get returns what was put under the key.
func (d *Dir) Get(family, key string) ([]byte, bool) { return d.read(d.file(family, key)) }

// Last returns what was put into the family, or got from it, most recently.
func (d *Dir) Last(family string) ([]byte, bool) {
	prefix := d.family(family)
	var last entry
	for _, e := range d.entries() {
		if strings.HasPrefix(e.name, prefix) && e.used.After(last.used) {
			last = e
		}
	}
	if last.name == "" {
		return nil, false
	}
	return d.read(last.name)
}

// Put keeps a value under a key of a family. Both may be any text; what is put under the same key has to be the same.
func (d *Dir) Put(family, key string, value []byte) {
	if int64(len(value)) > d.most/2 || os.MkdirAll(d.path, 0o700) != nil {
		return
	}
	file := d.file(family, key)
	if d.write(file, append(seal(file, value), value...)) == nil {
		d.prune()
	}
}

// seal is what stands before a value of a file: it is of these bytes, under this name.
func seal(file string, value []byte) []byte {
	sum := sha256.New()
	_, _ = io.WriteString(sum, "trefoil cache 1\n"+file+"\n") // never fails
	_, _ = sum.Write(value)
	return sum.Sum(nil)
}

// family is what the names of its files begin with.
func (d *Dir) family(family string) string { return d.program + "-" + name(family) + "-" }

// file is the name of the file of a key.
func (d *Dir) file(family, key string) string { return d.family(family) + name(key) }

func (d *Dir) read(file string) ([]byte, bool) {
	at := filepath.Join(d.path, file)
	about, err := os.Lstat(at)
	if err != nil || !about.Mode().IsRegular() || about.Size() > d.most || !mine(about) { // a pipe would never end
		return nil, false
	}
	data, err := os.ReadFile(at)
	if err != nil || len(data) < sha256.Size || string(seal(file, data[sha256.Size:])) != string(data[:sha256.Size]) {
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(at, now, now) // else it goes sooner than it should
	return data[sha256.Size:], true
}

// mine reports whether nobody but this user and root can have written the file.
func mine(about os.FileInfo) bool {
	s, ok := about.Sys().(*syscall.Stat_t)
	return ok && (int(s.Uid) == os.Geteuid() || s.Uid == 0) && about.Mode().Perm()&0o022 == 0
}

// write writes a file so that nobody ever sees a part of it.
func (d *Dir) write(file string, data []byte) error {
	f, err := os.CreateTemp(d.path, partial+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(d.path, file))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
