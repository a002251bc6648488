//go:build e2e

package stack

import (
	"context"
	"fmt"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Images that the stack's registry has from its start.
const (
	ImageTools    = RegistryAddress + "/tools:1"    // busybox
	ImageBuild    = RegistryAddress + "/build:1"    // git and buildah
	ImageBuildKit = RegistryAddress + "/buildkit:1" // the same with BuildKit, for a user of its own, like BuildKit's rootless image
	ImageServer   = RegistryAddress + "/server:1"   // Seldon's server for Python, and scripts for s2i like those of Seldon's builder

	imagePause    = RegistryAddress + "/pause:1"
	imageExecutor = RegistryAddress + "/argoexec:1"
)

// refName is the annotation by which a layout names its images.
const refName = "org.opencontainers.image.ref.name"

// buildImages returns an OCI layout in the cache with all the stack's images.
func (b builder) buildImages(ctx context.Context, programs Binaries) (string, error) {
	layers, err := b.buildLayers(ctx, programs)
	if err != nil {
		return "", err
	}
	from := []string{imagesVersion}
	for _, name := range []string{"tools", "executor", "debian", "build", "buildkit", "server"} {
		from = append(from, filepath.Base(layers[name]))
	}
	return b.cached(ctx, "images", keyOf(from...), func(dir string) (err error) {
		done := b.announce("images")
		defer func() { done(err) }()
		return writeImages(dir, layers)
	})
}

// buildLayers returns the folders of the images' layers by their names.
func (b builder) buildLayers(ctx context.Context, programs Binaries) (map[string]string, error) {
	layers := make(map[string]string)
	for _, layer := range []struct {
		name  string
		build func() (string, error)
	}{
		{"tools", func() (string, error) { return b.toolsLayer(ctx) }},
		{"executor", func() (string, error) { return b.executorLayer(ctx, programs) }},
		{"debian", func() (string, error) { return b.debianLayer(ctx) }},
		{"build", func() (string, error) { return b.buildLayer(ctx, layers["debian"]) }},
		{"buildkit", func() (string, error) { return b.buildkitLayer(ctx, programs) }},
		{"server", func() (string, error) { return b.serverLayer(ctx) }},
	} {
		var err error
		if layers[layer.name], err = layer.build(); err != nil {
			return nil, fmt.Errorf("image layer %s: %w", layer.name, err)
		}
	}
	return layers, nil
}

// imagesVersion is what else writeImages makes images from: it changes with that.
const imagesVersion = "4"

func writeImages(dir string, layers map[string]string) error {
	index, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	for _, image := range []struct {
		name   string
		layers []string
		config v1.Config
	}{
		{ImageTools, []string{"tools"}, v1.Config{Cmd: []string{"sh"}}},
		{imagePause, []string{"tools"}, v1.Config{Entrypoint: []string{"sleep", "1000000000"}}},
		{imageExecutor, []string{"executor"}, v1.Config{Entrypoint: []string{"argoexec"}}},
		{ImageBuild, []string{"debian", "build"}, v1.Config{Cmd: []string{"sh"}}},
		{ImageBuildKit, []string{"debian", "build", "buildkit"}, v1.Config{
			User: "1000:1000", Entrypoint: []string{"rootlesskit", "buildkitd"},
			Env: []string{
				"HOME=/home/build", "USER=build", "XDG_RUNTIME_DIR=/run/user/1000", "TMPDIR=/home/build/.local/tmp",
				"BUILDKIT_HOST=unix:///run/user/1000/buildkit/buildkitd.sock",
			},
		}},
		{ImageServer, []string{"debian", "server"}, v1.Config{
			User: "8888", WorkingDir: "/microservice", Env: []string{"PYTHONPATH=/opt/seldon"},
			Labels: map[string]string{
				"io.openshift.s2i.scripts-url": "image:///s2i/bin", "io.openshift.s2i.assemble-user": "0",
			},
		}},
	} {
		built, err := newImage(image.config, layers, image.layers)
		if err != nil {
			return err
		}
		if err := index.AppendImage(built, layout.WithAnnotations(map[string]string{refName: image.name})); err != nil {
			return err
		}
	}
	return nil
}

func newImage(config v1.Config, folders map[string]string, names []string) (v1.Image, error) {
	config.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, config.Env...)
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: config})
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		layer, err := tarball.LayerFromFile(filepath.Join(folders[name], layerFile))
		if err != nil {
			return nil, err
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return nil, err
		}
	}
	return image, nil
}
