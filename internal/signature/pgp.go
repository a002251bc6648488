package signature

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

type pgpKey struct {
	entity *openpgp.Entity
	key    openpgp.Key
}

func readPGP(text, passphrase []byte, now time.Time) (privateKey, error) {
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
	if err != nil || len(ring) != 1 {
		return nil, errors.New("the OpenPGP key can't be read: it is damaged, or not one key")
	}
	key, ok := ring[0].SigningKey(now)
	switch {
	case !ok:
		return nil, errors.New("the OpenPGP key may not sign: it is expired, revoked, or for something else")
	case key.PublicKey.Version != 4:
		return nil, fmt.Errorf("the OpenPGP key is of version %d, whose signatures are not the same each time: make one of version 4",
			key.PublicKey.Version)
	case key.PrivateKey == nil || key.PrivateKey.Dummy():
		return nil, fmt.Errorf("the private half of the OpenPGP key that signs, %s, is not in the file", key.PublicKey.KeyIdString())
	}
	if err := deterministic(key.PublicKey); err != nil {
		return nil, err
	}
	if key.PrivateKey.Encrypted {
		if len(passphrase) == 0 {
			return nil, errors.New("the OpenPGP key is locked: its passphrase is needed")
		}
		if key.PrivateKey.Decrypt(passphrase) != nil {
			return nil, errors.New("the OpenPGP key does not open with that passphrase")
		}
	}
	return pgpKey{ring[0], key}, nil
}

func deterministic(key *packet.PublicKey) error {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly, packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519:
		return strongPGP(key)
	}
	return errors.New("the OpenPGP key is of a kind whose signatures are not the same each time: a commit that is pushed again " +
		"would be another one; make one with `gpg --quick-generate-key NAME ed25519 sign`")
}

// sign makes a signature of the commit's date, or of the key's where that is later: gpg takes none that is older than its key.
func (k pgpKey) sign(payload []byte, when time.Time) (string, error) {
	if when.Before(k.key.PublicKey.CreationTime) {
		when = k.key.PublicKey.CreationTime
	}
	config := &packet.Config{
		DefaultHash: crypto.SHA512, Time: func() time.Time { return when }, NonDeterministicSignaturesViaNotation: packet.BoolPointer(false),
	}
	made := &packet.Signature{
		Version: k.key.PublicKey.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: k.key.PublicKey.PubKeyAlgo, Hash: config.Hash(),
		CreationTime: when, IssuerKeyId: &k.key.PublicKey.KeyId, IssuerFingerprint: k.key.PublicKey.Fingerprint,
	}
	hash, err := made.PrepareSign(config)
	if err != nil {
		return "", err
	}
	hash.Write(payload)
	if err := made.Sign(hash, k.key.PrivateKey, config); err != nil {
		return "", err
	}
	var text strings.Builder
	w, err := armor.Encode(&text, openpgp.SignatureType, nil)
	if err != nil {
		return "", err
	}
	if err := errors.Join(made.Serialize(w), w.Close()); err != nil {
		return "", err
	}
	return text.String() + "\n", nil
}

func (k pgpKey) public() *Trusted { return &Trusted{keyring: openpgp.EntityList{k.entity}} }

func (k pgpKey) String() string { return namePGP(k.key.PublicKey) }

func namePGP(key *packet.PublicKey) string { return fmt.Sprintf("OpenPGP %X", key.Fingerprint) }

func strongPGP(key *packet.PublicKey) error {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoDSA, packet.PubKeyAlgoElGamal:
		return fmt.Errorf("%s: DSA keys are too weak", namePGP(key))
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		if bits, err := key.BitLength(); err != nil || bits < leastRSA {
			return fmt.Errorf("%s: an RSA key of %d bits is too weak: %d are needed", namePGP(key), bits, leastRSA)
		}
	}
	return nil
}

// parseKeyring reads one or more armored blocks of public keys.
func parseKeyring(text []byte) (openpgp.EntityList, error) {
	var all openpgp.EntityList
	const begin = "-----BEGIN PGP "
	for i, block := range strings.Split(string(text), begin) {
		if i == 0 {
			continue
		}
		keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(begin + block))
		if err != nil {
			return nil, fmt.Errorf("block %d can't be read: write it with `gpg --armor --export KEY`", i)
		}
		all = append(all, keys...)
	}
	if len(all) == 0 {
		return nil, errors.New("no armored key: write it with `gpg --armor --export KEY`")
	}
	for _, e := range all {
		if e.PrivateKey != nil {
			return nil, errors.New("it holds a private key: export the public half alone, with `gpg --armor --export KEY`")
		}
		if err := strongPGP(e.PrimaryKey); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// verifyPGP says who signed a payload. Keys expire by the time now; a signature that says to be of a later one is judged by that.
func (t *Trusted) verifyPGP(payload []byte, armored string, now time.Time) (string, error) {
	raw, made, err := parsePGP(armored)
	if err != nil {
		return "", err
	}
	keys := t.keyring.KeysById(*made.IssuerKeyId)
	if len(keys) == 0 {
		return "", fmt.Errorf("the key that signed it is not in the list: OpenPGP %016X", *made.IssuerKeyId)
	}
	for _, key := range keys {
		if err := strongPGP(key.PublicKey); err != nil {
			return "", err
		}
		if made.CreationTime.Before(key.PublicKey.CreationTime) {
			return "", errors.New("its signature is older than the key that is said to have made it")
		}
	}
	if made.CreationTime.After(now) {
		now = made.CreationTime
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	signer, err := openpgp.CheckDetachedSignature(t.keyring, bytes.NewReader(payload), bytes.NewReader(raw), config)
	if err != nil {
		return "", fmt.Errorf("%s: %w", namePGP(keys[0].PublicKey), explainPGP(err))
	}
	name := "somebody"
	if id := signer.PrimaryIdentity(); id != nil {
		name = printable(id.Name)
	}
	return name + " (" + namePGP(signer.PrimaryKey) + ")", nil
}

// parsePGP takes one signature and nothing else, over bytes and with a hash that is worth something.
func parsePGP(armored string) (raw []byte, made *packet.Signature, err error) {
	unreadable := errors.New("its OpenPGP signature can't be read")
	block, err := armor.Decode(strings.NewReader(armored))
	if err != nil || block.Type != openpgp.SignatureType {
		return nil, nil, unreadable
	}
	if raw, err = io.ReadAll(block.Body); err != nil {
		return nil, nil, unreadable
	}
	packets := packet.NewReader(bytes.NewReader(raw))
	first, err := packets.Next()
	if err != nil {
		return nil, nil, unreadable
	}
	made, ok := first.(*packet.Signature)
	if _, err := packets.Next(); !ok || !errors.Is(err, io.EOF) || made.IssuerKeyId == nil || made.SigType != packet.SigTypeBinary {
		return nil, nil, unreadable
	}
	if !slices.Contains([]crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}, made.Hash) {
		return nil, nil, fmt.Errorf("its OpenPGP signature is made with %v, which is too weak", made.Hash)
	}
	return raw, made, nil
}

func explainPGP(err error) error {
	switch {
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return errors.New("the key that signed it is expired")
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return errors.New("the key that signed it is revoked")
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return errors.New("its signature is expired, or that of the key by itself")
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return errors.New("the key that signed it may not sign")
	}
	return errors.New("its signature is wrong: it was made over something else")
}
