package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/trefoil-gitops/trefoil/internal/signature"
)

// signingConfig names the key that signs what the daemon commits.
type signingConfig struct {
	KeyFile        string `json:"keyFile"`
	PassphraseFile string `json:"passphraseFile"`
}

// trustConfig names the keys that have to have signed the tip of the branch.
type trustConfig struct {
	AllowedSignersFile string `json:"allowedSignersFile"`
	KeyringFile        string `json:"keyringFile"`
}

func (t trustConfig) asked() bool { return t != trustConfig{} }

// load reads the keys. It is done anew for each commit, since the files may have changed: a list that can't be read lets nothing through.
func (t trustConfig) load() (*signature.Trusted, error) {
	var texts [2][]byte
	for i, source := range []struct{ field, file string }{
		{"repository.trust.allowedSignersFile", t.AllowedSignersFile}, {"repository.trust.keyringFile", t.KeyringFile},
	} {
		text, err := secret(source.field, source.file)
		if err != nil {
			return nil, err
		}
		if source.file != "" {
			texts[i] = []byte(text + "\n")
		}
	}
	trusted, err := signature.NewTrusted(texts[0], texts[1])
	if err != nil {
		return nil, fmt.Errorf("repository.trust: %w", err)
	}
	return trusted, nil
}

// verify says why a commit does not count.
func (t trustConfig) verify(commit []byte) error {
	trusted, err := t.load()
	if err != nil {
		return err
	}
	_, err = trusted.Verify(commit, wallClock())
	return err
}

// trust is what judges the tip of the branch; nil where that need not be signed. A list that can't be used is an error now.
func (c config) trust() (func(commit []byte) error, error) {
	if !c.Repository.Trust.asked() {
		return nil, nil
	}
	_, err := c.Repository.Trust.load()
	return c.Repository.Trust.verify, err
}

// signing signs what is committed, with the key that is in the file by then.
type signing struct {
	signingConfig
	mu   sync.Mutex
	text string // of key and passphrase, as they were read last
	key  *signature.Signer
}

// signer reads the key if it is another one than before. To open one that is locked takes a while.
func (s *signing) signer() (*signature.Signer, error) {
	key, err1 := secret("repository.signing.keyFile", s.KeyFile)
	passphrase, err2 := secret("repository.signing.passphraseFile", s.PassphraseFile)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := key + "\n" + passphrase; s.key == nil || text != s.text {
		made, err := signature.NewSigner([]byte(key+"\n"), []byte(passphrase), wallClock())
		if err != nil {
			return nil, fmt.Errorf("repository.signing.keyFile: %w", err)
		}
		s.key, s.text = made, text
	}
	return s.key, nil
}

func (s *signing) sign(commit []byte) ([]byte, error) {
	signer, err := s.signer()
	if err != nil {
		return nil, err
	}
	return signer.Sign(commit, wallClock())
}

// sign is what signs the daemon's commits; nil where none are to be signed. A key that can't be used is an error now, and so is one that
// the daemon itself would not trust: it would wait for ever for somebody to vouch for its commits.
func (c config) sign(log *slog.Logger) (func(commit []byte) ([]byte, error), error) {
	s := &signing{signingConfig: c.Repository.Signing}
	trust := c.Repository.Trust
	switch {
	case s.KeyFile == "" && trust.asked():
		return nil, errors.New("repository.trust without repository.signing: the daemon would not trust its own commits; " +
			"give it a key, and list its public half")
	case s.KeyFile == "":
		return nil, nil
	}
	signer, err := s.signer()
	if err != nil {
		return nil, err
	}
	if trust.asked() {
		trusted, err := trust.load()
		if err != nil {
			return nil, err
		}
		if err := trusted.Trusts(signer, wallClock()); err != nil {
			return nil, fmt.Errorf("repository.trust does not take what repository.signing.keyFile signs: %w; list the public half of that key", err)
		}
	}
	log.Info("commits are signed", "key", signer.String())
	return s.sign, nil
}

// checkSigning refuses what can't be meant.
func (c config) checkSigning() error {
	if s := c.Repository.Signing; s.KeyFile == "" && s.PassphraseFile != "" {
		return errors.New("repository.signing.passphraseFile without keyFile: nothing would be signed")
	}
	return nil
}

// signingSecrets are the key and its passphrase, if they can be read.
func (c config) signingSecrets() []string {
	var all []string
	for _, file := range []string{c.Repository.Signing.KeyFile, c.Repository.Signing.PassphraseFile} {
		if text, err := os.ReadFile(file); err == nil && file != "" {
			all = append(all, parts(string(text))...)
		}
	}
	return all
}
