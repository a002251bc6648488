package examples

import (
	"bytes"
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/schema"
)

// TestFiles names every file: those that begin with a dot are there, and what running an example leaves behind is not.
func TestFiles(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`
		mnist-pytorch/.gitattributes mnist-pytorch/README.md mnist-pytorch/cue.mod/module.cue mnist-pytorch/models.cue
		mnist-pytorch/pytorch-mnist/net.py mnist-pytorch/pytorch-mnist/requirements.txt mnist-pytorch/pytorch-mnist/run.py
		mnist-pytorch/seldon-mnist/.s2i/environment mnist-pytorch/seldon-mnist/MnistModel.py mnist-pytorch/seldon-mnist/net.py
		mnist-pytorch/seldon-mnist/requirements.txt mnist-pytorch/trefoil.cue
		mnist/.gitattributes mnist/README.md mnist/cue.mod/module.cue mnist/digit.json mnist/models.cue
		mnist/serve-mnist/.s2i/environment mnist/serve-mnist/MnistModel.py mnist/serve-mnist/requirements.txt
		mnist/train-mnist/Dockerfile mnist/train-mnist/pip.conf mnist/train-mnist/requirements.txt mnist/train-mnist/run.py
		mnist/trefoil.cue
		three/.gitattributes three/README.md three/cue.mod/module.cue three/models.cue three/serve/.s2i/environment
		three/serve/ShapeModel.py three/train/run.py three/trefoil.cue`)
	var got []string
	err := fs.WalkDir(FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the files are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// tree is an example as the loader reads it; no digest is compared here, so one hash does for all folders.
type tree struct{ fs.FS }

func (x tree) Hash(folder string) (string, error) {
	_, err := fs.ReadDir(x, folder)
	return strings.Repeat("0", 40), err
}

func TestValid(t *testing.T) {
	t.Parallel()
	for name, models := range map[string]int{"mnist": 1, "mnist-pytorch": 1, "three": 3} {
		folder, err := fs.Sub(FS, name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := schema.Load(context.Background(), tree{folder})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Models) != models {
			t.Errorf("%s has %d models, want %d", name, len(c.Models), models)
		}
		for _, f := range c.Findings {
			if f.Severity != schema.Note {
				t.Errorf("%s: %v", name, f)
			}
		}
	}
}

// TestSame: what is a copy of something is still that.
func TestSame(t *testing.T) {
	t.Parallel()
	for name, original := range map[string]string{
		"three/.gitattributes":               "mnist/.gitattributes",
		"mnist-pytorch/.gitattributes":       "mnist/.gitattributes",
		"mnist-pytorch/seldon-mnist/net.py":  "mnist-pytorch/pytorch-mnist/net.py",
		"mnist-pytorch/pytorch-mnist/run.py": "mnist/train-mnist/run.py",
		"three/train/run.py":                 "mnist/train-mnist/run.py",
	} {
		if got, want := part(t, name), part(t, original); !bytes.Equal(got, want) {
			t.Errorf("%s is not what %s is: copy it", name, original)
		}
	}
}

// part is a file; of a trainer, the function that reports metrics.
func part(t *testing.T, name string) []byte {
	t.Helper()
	data, err := FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, "run.py") {
		return data
	}
	_, from, found := bytes.Cut(data, []byte("\ndef report"))
	report, _, ended := bytes.Cut(from, []byte("\ndef "))
	if !found || !ended {
		t.Fatalf("%s has no function that reports", name)
	}
	return report
}
