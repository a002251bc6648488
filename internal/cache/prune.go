package cache

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// partial begins the names of files that are being written.
	partial = "partial-"
	// stale is how old such a file is whose process has come to its end.
	stale = time.Hour
)

// entry is a file of the folder.
type entry struct {
	name string
	size int64
	used time.Time
}

// entries are the files of the folder that are ours by their names.
func (d *Dir) entries() []entry {
	files, err := os.ReadDir(d.path)
	if err != nil {
		return nil
	}
	var all []entry
	for _, f := range files {
		about, err := f.Info()
		if err != nil || !about.Mode().IsRegular() || !ours(f.Name()) {
			continue
		}
		all = append(all, entry{f.Name(), about.Size(), about.ModTime()})
	}
	return all
}

// prune removes what was not used for the longest time, and what nobody will finish to write.
func (d *Dir) prune() {
	all := d.entries()
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(b.used.Compare(a.used), cmp.Compare(a.name, b.name)) })
	size := int64(0)
	for _, e := range all {
		size += e.size
		abandoned := strings.HasPrefix(e.name, partial) && time.Since(e.used) > stale
		if size > d.most || abandoned {
			_ = os.Remove(filepath.Join(d.path, e.name)) // another process may have done it
		}
	}
}

// ours reports whether a file may be removed: should somebody point the cache at a folder of his own, what is in it stays.
func ours(file string) bool {
	if strings.HasPrefix(file, partial) {
		return true
	}
	parts := strings.Split(file, "-")
	other := func(part string) bool { return len(part) != nameLength || strings.Trim(part, "0123456789abcdef") != "" }
	return len(parts) == 3 && !slices.ContainsFunc(parts, other)
}

const nameLength = 32

// name is any text as a part of a file's name.
func name(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:nameLength/2])
}
