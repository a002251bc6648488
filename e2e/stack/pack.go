//go:build e2e

package stack

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// layerFile is a layer in its folder of the cache.
const layerFile = "layer.tar.gz"

// script runs a shell script in dir to its end, in a mount namespace of its own:
// what it mounts is gone with it.
func script(ctx context.Context, dir, text string, env ...string) error {
	cmd := exec.CommandContext(ctx, "sh", "-euc", text)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	return complete(ctx, cmd, syscall.CLONE_NEWNS)
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

// keepOnly removes everything else from a folder.
func keepOnly(dir, name string) error {
	entries, err := os.ReadDir(dir)
	errs := []error{err}
	for _, e := range entries {
		if e.Name() != name {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// makeTmp makes the folder for temporary files of a root file system without
// Debian.
func makeTmp(root string) error {
	tmp := filepath.Join(root, "tmp")
	return errors.Join(os.Mkdir(tmp, 0o755), os.Chmod(tmp, 0o777|os.ModeSticky)) // whatever the umask is
}

func writeFile(root, name, text string, mode fs.FileMode) error {
	file := filepath.Join(root, filepath.FromSlash(name))
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), mode))
}

func copyProgram(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
