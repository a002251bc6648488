package schema

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// testTree is any file system as a Tree, with the hashes that git would give.
type testTree struct{ fs.FS }

// archiveTree is the files of a txtar archive but those named.
func archiveTree(a *txtar.Archive, but ...string) testTree {
	files := fstest.MapFS{}
	for _, f := range a.Files {
		if !slices.Contains(but, f.Name) {
			files[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		}
	}
	return testTree{files}
}

func (t testTree) Hash(folder string) (string, error) {
	if info, err := fs.Stat(t, folder); err == nil && !info.IsDir() {
		return "", fs.ErrNotExist
	}
	sum, err := t.sum(folder)
	return hex.EncodeToString(sum), err
}

func (t testTree) sum(folder string) ([]byte, error) {
	entries, err := fs.ReadDir(t, folder)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, e := range entries {
		name, mode := path.Join(folder, e.Name()), "100644"
		var sum []byte
		key := e.Name()
		if e.IsDir() {
			mode, key = "40000", key+"/"
			sum, err = t.sum(name)
		} else {
			var data []byte
			data, err = fs.ReadFile(t, name)
			sum = gitHash("blob", data)
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, key+"\x00"+mode+" "+e.Name()+"\x00"+string(sum))
	}
	slices.Sort(lines)
	var body strings.Builder
	for _, line := range lines {
		_, entry, _ := strings.Cut(line, "\x00")
		body.WriteString(entry)
	}
	return gitHash("tree", []byte(body.String())), nil
}

func gitHash(kind string, data []byte) []byte {
	sum := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(data)), data...))
	return sum[:]
}
