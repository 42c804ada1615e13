package main

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	text := `API_TOKEN = "aaa-secret"
env = { DB_PASSWORD = "bbb-secret", LEVEL = "3" }
{"api_key": "ccc-\"secret"}
url = "https://user:ddd-secret@example.org/x"
  url     = "https://chat.example.org/services/fff-secret"
both https://me:ggg-secret@example.org/in?key=hhh-secret
hook https://hooks.example.org/in?sig=eee-secret
said hunter2hunter2 aloud`
	got := string(redact([]byte(text), secretValues([]string{"MY_TOKEN=hunter2hunter2", "LEVEL=3", "TOKEN=x"})))
	for _, secret := range []string{"aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg", "hhh", "hunter2"} {
		if strings.Contains(got, secret) {
			t.Errorf("%s is still there:\n%s", secret, got)
		}
	}
	for _, plain := range []string{`LEVEL = "3"`, "example.org/", "chat.example.org", "hooks.example.org", "API_TOKEN"} {
		if !strings.Contains(got, plain) {
			t.Errorf("%s is missing:\n%s", plain, got)
		}
	}
}
