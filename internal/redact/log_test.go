package redact

import (
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"\x1b[1;31mred\x1b[0m \x1b[38:5:1mtoo\u009b0m":         "red too",
		"\x1b]0;title\x07a \x1b]8;;http://x\x1b\\link\x1b]8;;": "a link",
		"\x1b(B\x1b7a\x1bMb\x1b":                               "ab",
		"a\x07\u202eb\u200bc\tä 😀\r\n":                         "abc\tä 😀\r\n",
		"\xff\xfe":                                             "?",
		"\x1b]no end\nnext line":                               "\nnext line",
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// I6: nothing that a program prints hides a secret from who looks for its name, and nothing in it ends it early.
func TestLog(t *testing.T) {
	body := strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n", 5) + "hunter2==\n"
	const begins, ends = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
	for text, want := range map[string]string{
		// to the end of the line
		"DB_PASSWORD=hunter,2secret":                 "DB_PASSWORD=[redacted]",
		"PASSWORD=open hunter2":                      "PASSWORD=[redacted]",
		"password: open hunter2; and more":           "password: [redacted]",
		"x: 1, token=,hunter2":                       "x: 1, token=[redacted]",
		"password='hunter 2'hunter2 x":               "password=[redacted]",
		"run.py --token hunter,2 --lr 0.1":           "run.py --token [redacted]",
		"PASSWORD=hunter2\nnext: line":               "PASSWORD=[redacted]\nnext: line",
		"--token is required, or --password":         "--token is required, or --password",
		"password: \nmore":                           "password: \nmore",
		"epoch 3: loss=0.1, accuracy: 0.9":           "epoch 3: loss=0.1, accuracy: 0.9",
		"clone https://hunter2@example.com/x failed": "clone https://[redacted]@example.com/x failed",

		// whose end can be told
		`level=info password="hunter 2" msg=failed`:              `level=info password=[redacted] msg=failed`,
		`{"token":"hunter 2","msg":"failed"}`:                    `{"token":[redacted],"msg":"failed"}`,
		`"{\"token\":\"hunter 2\",\"x\":1}"`:                     `"{\"token\":[redacted],\"x\":1}"`,
		`curl -H "Authorization: Bearer hunter2" x`:              `curl -H "Authorization: [redacted]`,
		`{"Authorization": "Bearer hunter2", "msg": "failed"}`:   `{"Authorization": [redacted], "msg": "failed"}`,
		"RuntimeError: DB_PASSWORD='hunter2', HOME='/' (failed)": "RuntimeError: DB_PASSWORD=[redacted], HOME='/' (failed)",

		// what a terminal makes of it
		"DB_PASSWORD\x1b[0m=hunter2":          "DB_PASSWORD=[redacted]",
		"DB_PASS\x00WORD\u200b=hun\x1b[1mter": "DB_PASSWORD=[redacted]",
		"\x1b]0;x\x07token\x1b[0m: hunter2":   "token: [redacted]",
		" 1%\r 50%\r100%\r\nfailed\r\n":       "100%\nfailed",

		// private keys
		"a\n" + begins + "\n" + body + ends + "\nb":                               "a\n[redacted]\nb",
		"a\n" + strings.ReplaceAll(begins+"\n"+body+ends, "\n", "\r\n") + "\r\nb": "a\n[redacted]\nb",
		"a " + strings.ReplaceAll(begins+"\n"+body+ends, "\n", `\n`) + " b":       "a [redacted] b",
		"I: " + strings.ReplaceAll(begins+"\n"+body+ends, "\n", "\nI: ") + " b":   "I: [redacted] b",
		body + ends + "\nb": "[redacted]\nb",
		"I: " + strings.ReplaceAll(body+ends, "hunter2==\n", "") + "\nb":                    "[redacted]\nb",
		"all is well\n" + body + ends + "\nb":                                               "all is well\n[redacted]\nb",
		begins + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" + body + "b is a": "[redacted]\nb is a",
		"load: " + begins + " expected\nTraceback (most recent call last):":                 "load: [redacted]\nTraceback (most recent call last):",
		body + "-----END CERTIFICATE-----":                                                  body + "-----END CERTIFICATE-----",
	} {
		got := strings.TrimSuffix(Log(text), "\n")
		if got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
		if again := strings.TrimSuffix(Log(got), "\n"); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
	}
}

// TestLogOfBeginnings: a line of nothing but beginnings is read once, not once for each of them.
func TestLogOfBeginnings(t *testing.T) {
	const many = 1 << 12
	for _, part := range []string{
		"token=", `token="`, "--token ", "\x1b[", "\x1b]", "\r", "\n", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "-----END PRIVATE KEY-----\n",
	} {
		Log(strings.Repeat(part, many)) // takes very long where it is read again for each of them
		Log(strings.Repeat(part, many) + "PRIVATE KEY")
	}
}
