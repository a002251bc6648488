package cache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// files are the names in the folder.
func files(t *testing.T, d *Dir) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(d.path, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCache(t *testing.T) {
	t.Parallel()
	d := Open(filepath.Join(t.TempDir(), "a", "b"), "v1", 1<<20)
	if _, ok := d.Get("f", "k"); ok {
		t.Error("an empty cache has something")
	}
	if _, ok := d.Last("f"); ok {
		t.Error("an empty cache has a last value")
	}
	d.Put("f", "k", []byte("one"))
	d.Put("f", "l", []byte("two"))
	d.Put("g", "k", []byte("three"))
	d.Put("f", "", nil)
	for _, test := range []struct{ family, key, want string }{{"f", "k", "one"}, {"f", "l", "two"}, {"g", "k", "three"}} {
		if got, ok := d.Get(test.family, test.key); !ok || string(got) != test.want {
			t.Errorf("%s/%s is %q, %v", test.family, test.key, got, ok)
		}
	}
	for _, mode := range []os.FileMode{0o620, 0o602, 0o644} {
		for _, f := range files(t, d) {
			if err := os.Chmod(f, mode); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := d.Get("f", "k"); ok != (mode == 0o644) {
			t.Errorf("of mode %o: %v", mode, ok)
		}
	}
	if _, ok := Open(d.path, "v2", 1<<20).Get("f", "k"); ok {
		t.Error("another version sees it")
	}
	if _, ok := Open(d.path, "v2", 1<<20).Last("f"); ok {
		t.Error("another version sees the last one")
	}
}

// TestLast is about what was used last, not written.
func TestLast(t *testing.T) {
	t.Parallel()
	d := Open(t.TempDir(), "v1", 1<<20)
	d.Put("f", "a", []byte("a"))
	d.Put("f", "b", []byte("b"))
	d.Put("g", "c", []byte("c"))
	past := time.Now().Add(-time.Minute)
	for _, file := range files(t, d) {
		if err := os.Chtimes(file, past, past); err != nil {
			t.Fatal(err)
		}
	}
	d.Get("f", "a")
	if got, ok := d.Last("f"); !ok || string(got) != "a" {
		t.Errorf("the last one is %q, %v", got, ok)
	}
}

// TestDamage: whatever happens to the file, there is the value or none.
func TestDamage(t *testing.T) {
	t.Parallel()
	value := bytes.Repeat([]byte("value"), 100)
	for name, harm := range map[string]func(string, []byte) error{
		"nothing": func(string, []byte) error { return nil },
		"cut":     func(file string, data []byte) error { return os.WriteFile(file, data[:len(data)/2], 0o600) },
		"short":   func(file string, data []byte) error { return os.WriteFile(file, data[:5], 0o600) },
		"empty":   func(file string, _ []byte) error { return os.WriteFile(file, nil, 0o600) },
		"longer":  func(file string, data []byte) error { return os.WriteFile(file, append(data, 'x'), 0o600) },
		"bit": func(file string, data []byte) error {
			data[len(data)-7] ^= 1
			return os.WriteFile(file, data, 0o600)
		},
		"unreadable": func(file string, _ []byte) error { return os.Chmod(file, 0) },
		"folder": func(file string, _ []byte) error {
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.Mkdir(file, 0o700)
		},
		"another's": func(file string, data []byte) error {
			d := Open(filepath.Dir(file), "v1", 1<<20)
			d.Put("f", "other", []byte("other"))
			return os.Rename(filepath.Join(d.path, d.file("f", "other")), file)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := Open(t.TempDir(), "v1", 1<<20)
			d.Put("f", "k", value)
			file := filepath.Join(d.path, d.file("f", "k"))
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := harm(file, data); err != nil {
				t.Fatal(err)
			}
			got, ok := d.Get("f", "k")
			if ok && !bytes.Equal(got, value) || name == "nothing" && !ok {
				t.Errorf("it is %.20q, %v", got, ok)
			}
			d.Put("f", "k", value)
			if got, ok := d.Get("f", "k"); name != "folder" && (!ok || !bytes.Equal(got, value)) {
				t.Errorf("put again it is %.20q, %v", got, ok)
			}
		})
	}
}

// TestBound: all together stays below the limit, and what was used lately stays (I7). What is not ours is left alone.
func TestBound(t *testing.T) {
	t.Parallel()
	d := Open(t.TempDir(), "v1", 10_000)
	mine := filepath.Join(d.path, "notes.txt")
	if err := os.WriteFile(mine, make([]byte, 50_000), 0o600); err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Join(d.path, partial+"1")
	if err := os.WriteFile(crashed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * stale)
	if err := os.Chtimes(crashed, old, old); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		key := fmt.Sprint(i)
		d.Put("f", key, make([]byte, 1000))
		past := time.Now().Add(time.Duration(i-100) * time.Second)
		if err := os.Chtimes(filepath.Join(d.path, d.file("f", key)), past, past); err != nil {
			t.Fatal(err)
		}
		d.Get("f", "0")
	}
	size := int64(0)
	for _, e := range d.entries() {
		size += e.size
	}
	if size > 10_000 || size < 8_000 {
		t.Errorf("all together are %d bytes", size)
	}
	_, used := d.Get("f", "0")
	_, newest := d.Get("f", "49")
	_, oldest := d.Get("f", "1")
	if !used || !newest || oldest {
		t.Errorf("used %v, newest %v, oldest %v", used, newest, oldest)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(crashed); err == nil {
		t.Error("what was never finished is still there")
	}
	d.Put("f", "large", make([]byte, 6000))
	if _, ok := d.Get("f", "large"); ok {
		t.Error("one value may take more than half")
	}
}

// TestNowhere: a home that is not there, or not to be written, is no error.
func TestNowhere(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/proc/nowhere", file, filepath.Join(file, "below")} {
		d := Open(path, "v1", 1<<20)
		d.Put("f", "k", []byte("value"))
		if _, ok := d.Get("f", "k"); ok {
			t.Errorf("%s keeps something", path)
		}
	}
}

// TestTogether: processes that write and read at once see a value or none, never a part of one.
func TestTogether(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			d := Open(path, "v1", 100_000)
			for i := range 50 {
				key := fmt.Sprint(i % 7)
				want := bytes.Repeat([]byte(key), 5000)
				d.Put("f", key, want)
				if got, ok := d.Get("f", key); ok && !bytes.Equal(got, want) {
					t.Errorf("%s is %.20q", key, got)
				}
			}
		})
	}
	all.Wait()
	for _, file := range files(t, Open(path, "v1", 0)) {
		if !ours(filepath.Base(file)) || bytes.HasPrefix([]byte(filepath.Base(file)), []byte(partial)) {
			t.Errorf("%s is left", file)
		}
	}
}
