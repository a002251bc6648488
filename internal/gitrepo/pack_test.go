package gitrepo

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

// packed writes a pack by hand: each object is its type, the length it claims, the base of a delta, and content.
type packed struct {
	kind    plumbing.ObjectType
	length  int
	back    int // bytes back to the base of an offset delta
	content []byte
	base    plumbing.Hash // of a delta to an object that may be elsewhere
}

func (p packed) header() []byte {
	n := p.length
	first := byte(p.kind)<<4 | byte(n&15)
	var rest []byte
	for n >>= 4; n > 0; n >>= 7 {
		rest = append(rest, byte(n&127)|128)
	}
	if len(rest) > 0 {
		first |= 128
		rest[len(rest)-1] &^= 128
	}
	return append([]byte{first}, rest...)
}

func packOf(objects ...packed) []byte {
	out := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(objects)))
	for _, o := range objects {
		out = append(out, o.header()...)
		if o.kind == plumbing.OFSDeltaObject {
			out = append(out, byte(o.back))
		}
		if o.kind == plumbing.REFDeltaObject {
			out = append(out, o.base[:]...)
		}
		var deflated bytes.Buffer
		w := zlib.NewWriter(&deflated)
		_, _ = w.Write(o.content)
		_ = w.Close()
		out = append(out, deflated.Bytes()...)
	}
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

// I7: what a pack inflates to is known before it is kept.
func TestFault13Bombs(t *testing.T) {
	limits := defaultLimits()
	limits.content = 1 << 20
	bomb := bytes.Repeat([]byte{0}, 2<<20)
	base := packed{kind: plumbing.BlobObject, length: 4, content: []byte("base")}
	back := len(packOf(base)) - 12 - sha1.Size
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, 4), 1<<30)
	tests := []struct {
		name string
		pack []byte
		want error
	}{
		{"a large blob", packOf(packed{kind: plumbing.BlobObject, length: len(bomb), content: bomb}), errTooLarge},
		{"a blob larger than it says", packOf(packed{kind: plumbing.BlobObject, length: 10, content: bomb}), packfile.ErrInflatedSizeMismatch},
		{"a delta to something large", packOf(base, packed{kind: plumbing.OFSDeltaObject, length: len(delta), back: back, content: delta}), errTooLarge},
		{"a delta that says nothing", packOf(base, packed{kind: plumbing.OFSDeltaObject, length: 0, back: back, content: nil}), packfile.ErrInvalidDelta},
		{"many objects", append([]byte("PACK\x00\x00\x00\x02\xff\xff\xff\xff"), make([]byte, 40)...), errTooLarge},
	}
	for _, test := range tests {
		if _, err := unpack(test.pack, limits, memory.NewStorage()); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", test.name, err, test.want)
		}
	}
	if store, err := unpack(packOf(base), limits, memory.NewStorage()); err != nil || len(store.Blobs) != 1 {
		t.Errorf("a pack within the limits: %v", err)
	}
}

// thin is a pack with one object, "news", as a delta to the blob "base", which it lacks.
func thin() []byte {
	delta := append([]byte{4, 4, 4}, "news"...) // from 4 bytes to 4, of which 4 follow
	base := plumbing.ComputeHash(plumbing.BlobObject, []byte("base"))
	return packOf(packed{kind: plumbing.REFDeltaObject, length: len(delta), content: delta, base: base})
}

// A pack may be deltas to objects that are here already; those are not part of what it brings.
func TestUnpackThin(t *testing.T) {
	base := memory.NewStorage()
	plant(t, base, leaves("x=base"))
	got, err := unpack(thin(), defaultLimits(), base)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := readBlob(got, plumbing.ComputeHash(plumbing.BlobObject, []byte("news"))); err != nil || string(text) != "news" {
		t.Errorf("the object is %q, %v", text, err)
	}
	if len(got.Objects) != 1 {
		t.Errorf("%d objects; want the one that is new", len(got.Objects))
	}
	if _, err := unpack(thin(), defaultLimits(), memory.NewStorage()); err == nil {
		t.Error("a delta to nothing was read")
	}
}

// FuzzUnpack feeds packs of a server that is not to be trusted.
func FuzzUnpack(f *testing.F) {
	store := memory.NewStorage()
	root := plant(f, store, leaves("models.cue=package selected/a.cue=1 run*=x"))
	commit := new(plumbing.MemoryObject)
	if err := (&object.Commit{TreeHash: root}).Encode(commit); err != nil {
		f.Fatal(err)
	}
	if _, err := store.SetEncodedObject(commit); err != nil {
		f.Fatal(err)
	}
	var pack bytes.Buffer
	hashes := []plumbing.Hash{root}
	for hash := range store.Objects {
		hashes = append(hashes, hash)
	}
	if _, err := packfile.NewEncoder(&pack, store, false).Encode(hashes, 10); err != nil {
		f.Fatal(err)
	}
	f.Add(pack.Bytes())
	f.Add(packOf(packed{kind: plumbing.BlobObject, length: 4, content: []byte("base")}))
	f.Add([]byte("PACK\x00\x00\x00\x02\xff\xff\xff\xff"))
	f.Add(thin())
	base := memory.NewStorage()
	plant(f, base, leaves("x=base"))
	limits := defaultLimits()
	limits.content, limits.objects = 1<<20, 1000
	f.Fuzz(func(t *testing.T, pack []byte) {
		store, err := unpack(pack, limits, base)
		if err != nil {
			return
		}
		for hash := range store.Commits {
			_, _, _ = gather(&layered{store, base}, hash, limits)
		}
		for hash := range store.Trees { // whatever it is, it can be read
			tree := newCommitTree(store, &object.Commit{TreeHash: hash}, 1<<20)
			files, err := tree.sub(".")
			if err != nil {
				t.Fatal(err)
			}
			if file, err := files.Open("models.cue"); err == nil {
				file.Close()
			}
		}
	})
}

// A tree that git would not write is refused where it is met, with its name.
func TestFault16Names(t *testing.T) {
	store := memory.NewStorage()
	blob := plant(t, store, leaves("x=1"))
	for _, name := range []string{"..", ".", "a/b", "../../etc/passwd"} {
		bad := store1(t, store, &object.Tree{Entries: []object.TreeEntry{{Name: name, Mode: filemode.Regular, Hash: blob}}})
		files, err := newCommitTree(store, &object.Commit{TreeHash: bad}, 1).sub(".")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := files.Open("."); err == nil {
			t.Errorf("a tree with %q was read", name)
		}
	}
}
