package gitrepo

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/config"
	format "github.com/go-git/go-git/v5/plumbing/format/config"
)

// errBare refuses what has no files that are checked out.
var errBare = errors.New("a bare repository, or git's own folder of one: " +
	"give a folder with files that are checked out (`git clone` makes one)")

// errHashes refuses the hashes of a repository that are not sha1.
func errHashes(format string) error {
	return fmt.Errorf("the repository's hashes are %s, and only sha1 is read: make one with `git init --object-format=sha1`", format)
}

// checkFormat refuses repositories whose hashes or branches would not be understood.
func checkFormat(settings *config.Config) error {
	extensions := settings.Raw.Section("extensions")
	if format := extensions.Option("objectformat"); format != "" && format != "sha1" {
		return errHashes(format)
	}
	if format := extensions.Option("refstorage"); format != "" && format != "files" {
		return fmt.Errorf("the repository keeps its branches as %s, and only files are read: `git refs migrate --ref-format=files`", format)
	}
	return nil
}

// partial tells whether a clone leaves out what its remote would give it later.
func partial(settings *config.Config) bool {
	for _, remote := range settings.Raw.Section("remote").Subsections {
		if remote.Option("promisor") == "true" {
			return true
		}
	}
	return settings.Raw.Section("extensions").Option("partialclone") != ""
}

func (x *index) readSettings(common string) error {
	file, err := os.Open(filepath.Join(common, "config"))
	if err != nil {
		return fmt.Errorf("read git's settings: %w", err)
	}
	defer file.Close()
	settings, err := config.ReadConfig(file)
	if err != nil {
		return fmt.Errorf("read git's settings: %w", err)
	}
	if err := checkFormat(settings); err != nil {
		return err
	}
	core := settings.Raw.Section("core")
	x.fileMode = core.Option("filemode") != "false"
	person, err := personal()
	if err != nil {
		return err
	}
	off := slices.Contains([]string{"false", "no", "off", "0"}, strings.ToLower(either(core, person, "trustctime")))
	x.twoTimes = !off && !strings.EqualFold(either(core, person, "checkstat"), "minimal")
	global := globalIgnores(either(core, person, "excludesfile"))
	if x.ignored, err = ignores(nil).read(global, ""); err != nil {
		return err
	}
	x.ignored, err = x.ignored.read(filepath.Join(common, "info", "exclude"), "")
	return err
}

// personal are the settings of the person, of git's section core.
func personal() (*format.Section, error) {
	if _, err := os.UserHomeDir(); err != nil {
		return &format.Section{}, nil //nolint:nilerr // no home, no settings of a person
	}
	settings, err := config.LoadConfig(config.GlobalScope)
	if err != nil {
		return nil, fmt.Errorf("read git's settings: %w", err)
	}
	return settings.Raw.Section("core"), nil
}

// either is a setting of the repository, else of the person; empty where neither has it.
func either(core, person *format.Section, name string) string {
	return cmp.Or(core.Option(name), person.Option(name))
}

// globalIgnores is the file of what a person ignores everywhere, as the settings name it; empty for none.
func globalIgnores(named string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	if named == "" {
		return filepath.Join(home, ".config", "git", "ignore")
	}
	if below, ok := strings.CutPrefix(named, "~/"); ok {
		return filepath.Join(home, below)
	}
	return named
}
