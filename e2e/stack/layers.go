//go:build e2e

package stack

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Layers of images are made of the packages of Debian and PyPI: debianLayer is
// the root file system, most others come on top of it.
const (
	suite          = "bookworm"
	debianPackages = "python3,python3-distutils"
	buildPackages  = "buildah runc git ca-certificates"
	serverWheel    = "tomli==2.0.1" // in /whl, for the scripts to install
)

// What the layers are made of, and the stand-ins for the scripts of Seldon's
// builder image.
var (
	//go:embed images/debian.sh
	debianScript string
	//go:embed images/build.sh
	buildScript string
	//go:embed images/buildkit.sh
	buildkitScript string
	//go:embed images/server-packages.txt
	serverPackages string
	//go:embed images/assemble
	assembleScript string
	//go:embed images/run
	runScript string
)

// keyOf hashes what something is made of.
func keyOf(from ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(from, "\n")))
	return hex.EncodeToString(sum[:6])
}

// layer is the folder of a layer in the cache: made in it by fill, which says
// which of its folders has the layer's files, unless it is there. Once they are
// packed nothing else stays.
func (b builder) layer(ctx context.Context, name, key string, fill func(dir string) (files string, err error)) (string, error) {
	return b.cached(ctx, "image-"+name, key, func(dir string) (err error) {
		done := b.announce("image layer " + name)
		defer func() { done(err) }()
		files, err := fill(dir)
		if err != nil {
			return err
		}
		if err := pack(ctx, files, dir); err != nil {
			return err
		}
		return keepOnly(dir, layerFile)
	})
}

// debianLayer is a minimal Debian with Python, whose files stay beside the
// layer, in the folder root.
func (b builder) debianLayer(ctx context.Context) (string, error) {
	return b.cached(ctx, "image-debian", keyOf(suite, debianPackages, debianScript), func(dir string) (err error) {
		done := b.announce("image layer debian")
		defer func() { done(err) }()
		if err := script(ctx, dir, debianScript, "SUITE="+suite, "PACKAGES="+debianPackages); err != nil {
			return err
		}
		return pack(ctx, filepath.Join(dir, "root"), dir)
	})
}

// buildLayer makes of Debian what builds images.
func (b builder) buildLayer(ctx context.Context, debian string) (string, error) {
	key := keyOf(filepath.Base(debian), buildPackages, buildScript)
	return b.layer(ctx, "build", key, func(dir string) (string, error) {
		files := filepath.Join(dir, "upper")
		if err := script(ctx, dir, buildScript, "DEBIAN="+filepath.Join(debian, "root"), "PACKAGES="+buildPackages); err != nil {
			return "", err
		}
		return files, errors.Join(whiteOut(files), mapUsers(files))
	})
}

// buildkitLayer makes of what builds images BuildKit's rootless image.
func (b builder) buildkitLayer(ctx context.Context, programs Binaries) (string, error) {
	key := keyOf(filepath.Base(programs.dirs["buildkit"]), buildkitScript)
	return b.layer(ctx, "buildkit", key, func(dir string) (string, error) {
		files := filepath.Join(dir, "root")
		for _, name := range []string{"buildctl", "buildkitd", "rootlesskit", "buildctl-daemonless.sh"} {
			if err := copyProgram(programs.file("buildkit", name), filepath.Join(files, "usr", "bin", name)); err != nil {
				return "", err
			}
		}
		return files, script(ctx, dir, buildkitScript)
	})
}

// serverLayer is Seldon's server for Python at /opt/seldon, and a wheel at /whl,
// for the Python of debianLayer.
func (b builder) serverLayer(ctx context.Context) (string, error) {
	return b.layer(ctx, "server", keyOf(serverPackages, serverWheel, assembleScript, runScript), func(dir string) (string, error) {
		files, python := filepath.Join(dir, "root"), filepath.Join(dir, "venv")
		if err := command(ctx, "python3", "-m", "venv", python); err != nil {
			return "", err
		}
		pip := func(do string, args ...string) error {
			return command(ctx, filepath.Join(python, "bin", "python"), append([]string{
				"-m", "pip", do, "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary=:all:",
				"--python-version=3.11", "--implementation=cp", "--abi=cp311", "--abi=abi3", "--abi=none",
				"--platform=manylinux2014_x86_64", "--platform=manylinux_2_17_x86_64",
			}, args...)...)
		}
		packages := append([]string{"--no-compile", "--target=" + filepath.Join(files, "opt", "seldon")}, strings.Fields(serverPackages)...)
		if err := pip("install", packages...); err != nil {
			return "", err
		}
		return files, errors.Join(
			pip("download", "--dest="+filepath.Join(files, "whl"), serverWheel),
			writeFile(files, "s2i/bin/assemble", assembleScript, 0o755),
			writeFile(files, "s2i/bin/run", runScript, 0o755))
	})
}

// toolsLayer is busybox by all its names.
func (b builder) toolsLayer(ctx context.Context) (string, error) {
	const busybox = "/bin/busybox"
	names, err := exec.CommandContext(ctx, busybox, "--list").Output()
	if err != nil {
		return "", fmt.Errorf("%s --list: %w", busybox, err)
	}
	return b.layer(ctx, "tools", keyOf(string(names)), func(dir string) (string, error) {
		files := filepath.Join(dir, "root")
		if err := copyProgram(busybox, filepath.Join(files, "bin", "busybox")); err != nil {
			return "", err
		}
		for name := range strings.FieldsSeq(string(names)) {
			if name == "busybox" {
				continue
			}
			if err := os.Symlink("busybox", filepath.Join(files, "bin", name)); err != nil {
				return "", err
			}
		}
		return files, makeTmp(files)
	})
}

// executorLayer is argoexec.
func (b builder) executorLayer(ctx context.Context, programs Binaries) (string, error) {
	return b.layer(ctx, "executor", keyOf(filepath.Base(programs.dirs["argoexec"])), func(dir string) (string, error) {
		files := filepath.Join(dir, "root")
		return files, errors.Join(copyProgram(programs.Path("argoexec"), filepath.Join(files, "bin", "argoexec")), makeTmp(files))
	})
}
