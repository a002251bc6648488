package local

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/trefoil-gitops/trefoil/internal/registry"
)

// home is the folder of an image that holds the serving code and the artifact, as in those of Seldon's builders.
const home = "microservice"

// Annotations of an image, beside those that the Workflow asks for.
const (
	// annotationRequirements is the sha256 of the requirements.txt whose packages the image does not hold.
	annotationRequirements = "trefoil.dev/requirements"
	// annotationRuns says where an image runs that has no base.
	annotationRuns = "trefoil.dev/runs"
)

// content is what goes into an image.
type content struct {
	source, artifact string // a folder and a file
	created          time.Time
}

// image makes an image of two layers, the serving source and the artifact, so that a new training replaces one of them, and returns its
// name by digest. The same content has the same digest. Without a base it holds no Python and no packages: it is data that this engine
// knows how to run.
func (e *Engine) image(ctx context.Context, b build, c content) (string, error) {
	as := new(registry.Login)
	name, err := e.assembled(ctx, as, b, c)
	return name, as.Discreet(err) // the layers of a base come late
}

func (e *Engine) assembled(ctx context.Context, as *registry.Login, b build, c content) (string, error) {
	img, bare, err := e.base(ctx, as, b)
	if err != nil {
		return "", err
	}
	files, err := sourceFiles(c.source)
	if err != nil {
		return "", err
	}
	for _, layer := range []map[string]string{files, {path.Join(home, path.Clean(b.path)): c.artifact}} {
		if img, err = withLayer(img, layer, c.created); err != nil {
			return "", err
		}
	}
	if img, err = described(img, bare, b, c); err != nil {
		return "", err
	}
	digest, err := e.keep(img, b)
	if err != nil {
		return "", err
	}
	return b.repository + "@" + digest.String(), e.push(ctx, as, img, b)
}

// sourceFiles are the regular files of the serving source by their names in the image.
func sourceFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		below, err := filepath.Rel(dir, file)
		files[path.Join(home, filepath.ToSlash(below))] = file
		return err
	})
	return files, err
}

// withLayer adds a layer of files.
func withLayer(img v1.Image, files map[string]string, created time.Time) (v1.Image, error) {
	opener := func() (io.ReadCloser, error) { return archive(files), nil }
	layer, err := tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	return mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: created}, CreatedBy: "trefoil"}})
}

// archive streams a tar of the files: sorted, of nobody, of no time.
func archive(files map[string]string) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		t := tar.NewWriter(w)
		err := addAll(t, files)
		_ = w.CloseWithError(errors.Join(err, t.Close())) // never fails
	}()
	return r
}

// described says in the image what it is and how it is started.
func described(img v1.Image, bare bool, b build, c content) (v1.Image, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	if bare {
		config.OS, config.Architecture = "linux", runtime.GOARCH
	}
	notes := maps.Clone(b.notes)
	notes["org.opencontainers.image.created"] = c.created.UTC().Format(time.RFC3339)
	if text, err := os.ReadFile(filepath.Join(c.source, "requirements.txt")); err == nil {
		sum := sha256.Sum256(text)
		notes[annotationRequirements] = hex.EncodeToString(sum[:])
	}
	if bare {
		notes[annotationRuns] = "locally: it holds no Python and no packages"
	}
	variables, err := serving(c.source)
	if err != nil {
		return nil, err
	}
	config.Created = v1.Time{Time: c.created.UTC()}
	config.Config.Env = append(config.Config.Env, variables.env...)
	config.Config.Entrypoint, config.Config.WorkingDir, config.Config.Labels = variables.command(), "/"+home, notes
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return nil, err
	}
	annotated, ok := mutate.Annotations(img, notes).(v1.Image)
	if !ok {
		return nil, errors.New("an image with annotations is no image any more")
	}
	return annotated, nil
}

// keep writes the image as an OCI layout of its own, named by its digest.
func (e *Engine) keep(img v1.Image, b build) (v1.Hash, error) {
	digest, err := img.Digest()
	if err != nil {
		return digest, err
	}
	e.images.Lock()
	defer e.images.Unlock()
	dir := e.layout(digest.Hex)
	if _, err := os.Stat(dir); err == nil {
		return digest, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return digest, err
	}
	half, err := os.MkdirTemp(filepath.Dir(dir), ".new-*")
	if err != nil {
		return digest, err
	}
	defer func() { _ = os.RemoveAll(half) }() // nothing is there once it has its name
	made, err := layout.Write(half, empty.Index)
	if err == nil {
		err = made.AppendImage(img, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": b.repository + ":" + b.tag}))
	}
	if err == nil {
		err = os.Rename(half, dir)
	}
	return digest, err
}

// layout is the folder of an image.
func (e *Engine) layout(hex string) string { return filepath.Join(e.options.Dir, "images", hex) }

// addAll adds files in the order of their names, without the folders that they are in.
func addAll(t *tar.Writer, files map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := add(t, name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

func add(t *tar.Writer, name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	about, err := f.Stat()
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if about.Mode()&0o100 != 0 {
		mode = 0o755
	}
	err = t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: about.Size(), Format: tar.FormatPAX})
	if err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}
