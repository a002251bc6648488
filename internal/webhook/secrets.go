package webhook

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	shortest = 16 // bytes of a secret: what is shorter can be guessed from one signed request
	most     = 4  // secrets in a file
	file     = 64 << 10
)

// ReadSecrets reads a file with a secret, or with several, one a line, while the one at the git server is changed from one to the next:
// at least one, at most 4, of at least 16 bytes each. Its errors quote none.
func ReadSecrets(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, file+1))
	if err != nil {
		return nil, err
	}
	if len(text) > file {
		return nil, fmt.Errorf("%s is too large for a file with secrets", name)
	}
	secrets, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return secrets, nil
}

func parse(text string) ([]string, error) {
	var secrets []string
	for line := range strings.Lines(text) {
		if secret := strings.TrimSpace(line); secret != "" {
			secrets = append(secrets, secret)
		}
		if n := len(secrets); n > 0 && len(secrets[n-1]) < shortest {
			return nil, fmt.Errorf("has a secret of less than %d characters: make one with `openssl rand -hex 32`", shortest)
		}
	}
	switch {
	case len(secrets) == 0:
		return nil, errors.New("is empty: write a secret into it, such as `openssl rand -hex 32` makes")
	case len(secrets) > most:
		return nil, fmt.Errorf("has %d secrets: one is enough, and two while it is changed", len(secrets))
	}
	return secrets, nil
}
