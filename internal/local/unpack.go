package local

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// unpack makes a folder of what an image holds for serving: of what was packaged, and never of what is in the work tree now.
func (e *Engine) unpack(image string) (string, error) {
	sum, err := digestOf(image)
	if err != nil {
		return "", err
	}
	e.images.Lock()
	defer e.images.Unlock()
	dir := filepath.Join(e.options.Dir, "served", sum)
	if _, err := os.Stat(dir); err == nil {
		return filepath.Join(dir, home), nil
	}
	img, err := e.kept(sum)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%.20s… is not among the images of this machine: only what was packaged here is served (raise train.revision for a new release)", image[strings.LastIndex(image, "@")+1:])
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", image, err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", err
	}
	half, err := os.MkdirTemp(filepath.Dir(dir), ".new-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(half) }() // nothing is there once it has its name
	if err := extract(img, half); err != nil {
		return "", fmt.Errorf("%s: %w", image, err)
	}
	return filepath.Join(dir, home), os.Rename(half, dir)
}

// kept is an image of this machine, checked blob by blob.
func (e *Engine) kept(sum string) (v1.Image, error) {
	path, err := layout.FromPath(e.layout(sum))
	if err != nil {
		return nil, err
	}
	img, err := path.Image(v1.Hash{Algorithm: "sha256", Hex: sum})
	if err != nil {
		return nil, err
	}
	text, err := img.RawManifest()
	if err != nil {
		return nil, err
	}
	if now, _, err := v1.SHA256(bytes.NewReader(text)); err != nil || now.Hex != sum { // what Image does not look at
		return nil, fmt.Errorf("it is not what it was when it was packaged: its manifest has sha256 %.8s", now.Hex)
	}
	if err := validate.Image(img); err != nil {
		return nil, fmt.Errorf("it is not what it was when it was packaged: %w", err)
	}
	return img, nil
}

// extract writes the files of the layers that are below home.
func extract(img v1.Image, to string) error {
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Mkdir(home, 0o700); err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		stream, err := layer.Uncompressed()
		if err != nil {
			return err
		}
		err = errors.Join(files(tar.NewReader(stream), root), stream.Close())
		if err != nil {
			return err
		}
	}
	return nil
}

// files writes the regular files of a layer below home; a base may hold more.
func files(t *tar.Reader, root *os.Root) error {
	for {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(strings.TrimPrefix(header.Name, "/"))
		if header.Typeflag != tar.TypeReg || !strings.HasPrefix(filepath.ToSlash(name), home+"/") {
			continue
		}
		if err := file(t, root, name, fs.FileMode(header.Mode)&0o700|0o600); err != nil {
			return err
		}
	}
}

func file(from io.Reader, root *os.Root, name string, mode fs.FileMode) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
