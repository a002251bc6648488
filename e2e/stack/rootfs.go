//go:build e2e

package stack

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Layers of images are made of Debian's and PyPI's packages, one after the
// other: debianLayer is the root file system, the others come on top of it.
const (
	suite          = "bookworm"
	debianPackages = "python3,python3-distutils"
	buildPackages  = "buildah runc git ca-certificates"
)

// layerFile is a layer in its folder of the cache.
const layerFile = "layer.tar.gz"

// keyOf hashes what something is made of.
func keyOf(from ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(from, "\n")))
	return hex.EncodeToString(sum[:6])
}

// debianLayer returns the folder of a minimal Debian with Python; it holds the
// root file system, root, beside the layer. Three minutes, once.
func (b builder) debianLayer(ctx context.Context) (string, error) {
	key := keyOf(suite, debianPackages, prune)
	return b.cached(ctx, "image-debian", key, func(dir string) (err error) {
		done := b.announce("image layer debian")
		defer func() { done(err) }()
		root := filepath.Join(dir, "root")
		if err := script(ctx, "debootstrap --variant=minbase --include="+debianPackages+" "+suite+" "+root+"\ncd "+root+"\n"+prune); err != nil {
			return err
		}
		return pack(ctx, root, dir)
	})
}

// prune removes from a root file system what only a person or apt would read.
const prune = `rm -rf var/cache/apt/archives/*.deb var/cache/apt/*.bin var/lib/apt/lists/* var/log/*
rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/info
`

// buildLayer returns the folder of the layer that makes of Debian what builds
// images: apt installs into an overlay, whose upper folder is the layer.
func (b builder) buildLayer(ctx context.Context, debian string) (string, error) {
	key := keyOf(filepath.Base(debian), buildPackages, containersConf, buildUser, prune)
	return b.cached(ctx, "image-build", key, func(dir string) (err error) {
		done := b.announce("image layer build")
		defer func() { done(err) }()
		if err := script(ctx, `cd `+dir+`
mkdir upper work root
mount -t overlay overlay -o lowerdir=`+debian+`/root,upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount --bind /dev root/dev
export DEBIAN_FRONTEND=noninteractive
cp --remove-destination /etc/resolv.conf root/etc/resolv.conf
chroot root apt-get update -q
chroot root apt-get install -qy --no-install-recommends `+buildPackages+`
rm root/etc/resolv.conf
`+buildUser+`umount root/dev root/proc
cd root
`+prune+`cd ..
umount root
rmdir root
rm -rf work
`); err != nil {
			return err
		}
		upper := filepath.Join(dir, "upper")
		conf := filepath.Join(upper, "etc", "containers", "registries.conf.d", "stack.conf")
		if err := os.WriteFile(conf, []byte(containersConf), 0o644); err != nil {
			return err
		}
		if err := errors.Join(whiteOut(upper), mapUsers(upper)); err != nil {
			return err
		}
		if err := pack(ctx, upper, dir); err != nil {
			return err
		}
		return os.RemoveAll(upper)
	})
}

// containersConf has buildah speak plain HTTP with the stack's registry.
const containersConf = "[[registry]]\nlocation = \"" + RegistryAddress + "\"\ninsecure = true\n"

// buildUser makes the user that builds without being root.
const buildUser = `chroot root useradd --uid 1000 --create-home build
echo build:100000:65536 >root/etc/subuid
echo build:100000:65536 >root/etc/subgid
`

// mapUsers lets a user map further ones by capabilities of files. The setuid bit
// that Debian has in their place is not enough inside a container.
func mapUsers(root string) error {
	for name, capability := range map[string]uint{"newuidmap": unix.CAP_SETUID, "newgidmap": unix.CAP_SETGID} {
		file := filepath.Join(root, "usr", "bin", name)
		const revision2, effective = 0x02000000, 0x1
		value := binary.LittleEndian.AppendUint32(nil, revision2|effective)
		value = binary.LittleEndian.AppendUint32(value, 1<<capability) // permitted; of the other three words none
		value = append(value, make([]byte, 12)...)
		if err := errors.Join(os.Chmod(file, 0o755), unix.Setxattr(file, "security.capability", value, 0)); err != nil {
			return fmt.Errorf("capability of %s: %w", file, err)
		}
	}
	return nil
}

// buildkitConf has BuildKit speak plain HTTP with the stack's registry.
const buildkitConf = "[registry.\"" + RegistryAddress + "\"]\n  http = true\n"

// buildkitLayer returns the folder of the layer that makes of what builds images
// BuildKit's rootless image.
func (b builder) buildkitLayer(ctx context.Context, programs Binaries) (string, error) {
	key := keyOf(filepath.Base(programs.dirs["buildkit"]), buildkitConf)
	return b.cached(ctx, "image-buildkit", key, func(dir string) error {
		root := filepath.Join(dir, "root")
		for _, name := range []string{"buildctl", "buildkitd", "rootlesskit", "buildctl-daemonless.sh"} {
			if err := copyProgram(programs.file("buildkit", name), filepath.Join(root, "usr", "bin", name)); err != nil {
				return err
			}
		}
		conf := filepath.Join(root, "home", "build", ".config", "buildkit")
		if err := os.MkdirAll(conf, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(conf, "buildkitd.toml"), []byte(buildkitConf), 0o644); err != nil {
			return err
		}
		if err := script(ctx, "cd "+root+"\nmkdir -p run/user/1000 home/build/.local/tmp home/build/.local/share/buildkit\n"+
			"chown -R 1000:1000 run/user/1000 home/build\n"); err != nil {
			return err
		}
		return pack(ctx, root, dir)
	})
}

// serverLayer returns the folder of the layer that serves models: Seldon's
// server for Python at /opt/seldon, for the Python of debianLayer.
func (b builder) serverLayer(ctx context.Context) (string, error) {
	key := keyOf(serverPackages, assembleScript, runScript)
	return b.cached(ctx, "image-server", key, func(dir string) (err error) {
		done := b.announce("image layer server")
		defer func() { done(err) }()
		root := filepath.Join(dir, "root")
		python := filepath.Join(dir, "venv")
		if err := command(ctx, "python3", "-m", "venv", python); err != nil {
			return err
		}
		args := []string{
			"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--no-deps", "--only-binary=:all:",
			"--python-version=3.11", "--implementation=cp", "--abi=cp311", "--abi=abi3", "--abi=none",
			"--platform=manylinux2014_x86_64", "--platform=manylinux_2_17_x86_64",
			"--target=" + filepath.Join(root, "opt", "seldon"),
		}
		if err := command(ctx, filepath.Join(python, "bin", "python"), append(args, strings.Fields(serverPackages)...)...); err != nil {
			return err
		}
		for name, text := range map[string]string{"assemble": assembleScript, "run": runScript} {
			file := filepath.Join(root, "s2i", "bin", name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
				return err
			}
		}
		if err := pack(ctx, root, dir); err != nil {
			return err
		}
		return errors.Join(os.RemoveAll(root), os.RemoveAll(python))
	})
}

// script runs a shell script to its end, in a mount namespace of its own: what
// it mounts is gone with it.
func script(ctx context.Context, text string) error {
	cmd := exec.CommandContext(ctx, "sh", "-euc", text)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w:\n%s", err, lastLines(out))
	}
	return nil
}

// pack writes the files below root as a layer into dir. The same files make the
// same layer, whenever they were written.
func pack(ctx context.Context, root, dir string) error {
	return command(ctx, "tar", "--create", "--directory="+root, "--sort=name", "--mtime=@0", "--numeric-owner",
		"--xattrs", "--xattrs-include=security.capability", "--use-compress-program=gzip -n1", "--file="+filepath.Join(dir, layerFile), ".")
}

// whiteOut puts the files by which an image's layer tells what it deletes in
// place of overlayfs's, which are devices with the number 0.
func whiteOut(upper string) error {
	return filepath.WalkDir(upper, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeCharDevice == 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Rdev != 0 {
			return nil
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(filepath.Dir(path), ".wh."+filepath.Base(path)), nil, 0o600)
	})
}
