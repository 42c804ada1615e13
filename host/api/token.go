package api

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// TokenFile is the name of the token's file in a host's directory.
const TokenFile = "token"

// minToken is the fewest characters of a token that somebody else has made.
const minToken = 20

// ReadToken returns the token in the file, which is made where there is none.
// A file that others may read is refused: they know the token.
func ReadToken(path string) (string, error) {
	token, err := LoadToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	token = rand.Text()
	f, err := os.CreateTemp(filepath.Dir(path), ".token-*")
	if err != nil {
		return "", fmt.Errorf("make token: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("make token: %w", err), os.Remove(f.Name()))
	}
	return token, nil
}

// LoadToken returns the token in a file that only its owner may read. The
// error of a file that is not there is fs.ErrNotExist.
func LoadToken(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", script.Errorf(script.CodeForbidden, "others may read the token in %s (mode %04o)", path, mode).
			WithHint("chmod 600 %s; if others have read it, remove the file and restart the host: it makes another token", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if len(token) < minToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", script.Errorf(script.CodeUsage, "%s holds no token", path).
			WithHint("a token is one line of at least %d characters; without the file the host makes one", minToken)
	}
	return token, nil
}

// equal compares secrets in a time that tells nothing of them.
func equal(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

const (
	// sessionPrefix begins the tokens that are given for a link's code.
	sessionPrefix = "session_"
	// sessionTime is how long such a token is good.
	sessionTime = 7 * 24 * time.Hour
)

// newSession makes a token that is good until then, or until the host's token
// becomes another one. Nothing of it needs to be kept.
func newSession(token string, until time.Time) string {
	body := sessionPrefix + strconv.FormatInt(until.Unix(), 36)
	return body + "_" + signature(token, body)
}

func validSession(token, got string, now time.Time) bool {
	if len(got) > 200 || !strings.HasPrefix(got, sessionPrefix) {
		return false
	}
	expiry, _, ok := strings.Cut(got[len(sessionPrefix):], "_")
	if !ok {
		return false
	}
	until, err := strconv.ParseInt(expiry, 36, 64)
	return err == nil && equal(got, newSession(token, time.Unix(until, 0))) && now.Unix() < until
}

func signature(token, body string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(body)) // a hash's Write never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const (
	codeTime = time.Minute // how long a link is good
	maxCodes = 100         // links that are good at a time
)

// codes are the codes of links that were not followed yet.
type codes struct {
	mu      sync.Mutex
	expires map[string]time.Time
}

// make returns a code that is good once, until the time given.
func (c *codes) make(now time.Time) (code string, expires time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for old, at := range c.expires {
		if !now.Before(at) {
			delete(c.expires, old)
		}
	}
	if len(c.expires) >= maxCodes {
		return "", expires, script.Errorf(script.CodeRejected, "%d links wait to be followed", maxCodes).
			WithHint("each is good for %v: try again then", codeTime)
	}
	if c.expires == nil {
		c.expires = map[string]time.Time{}
	}
	code, expires = rand.Text(), now.Add(codeTime)
	c.expires[code] = expires
	return code, expires, nil
}

// take uses a code up.
func (c *codes) take(code string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.expires[code] // 128 random bits: nobody can measure a map's lookup that finely
	delete(c.expires, code)
	return ok && now.Before(at)
}

const loginPath = "/api/v1/login"

// loginRoutes let a browser have a token by way of a link that is good once.
func (a *API) loginRoutes(api huma.API) {
	register(api, http.MethodPost, loginPath+"/code", "login-code", "Make a link to the dashboard that is good once, for a minute",
		func(context.Context, *nothing) (v1.LoginCode, error) {
			if a.URL == nil || a.URL() == "" {
				return v1.LoginCode{}, script.Errorf(script.CodeUnavailable, "this host serves no HTTP over TCP").
					WithHint("listen of the host block, or MLHOST_LISTEN, names an address for it")
			}
			code, expires, err := a.codes.make(a.Now())
			return v1.LoginCode{Code: code, URL: a.URL() + "#code=" + code, Expires: expires}, err
		})
	register(api, http.MethodPost, loginPath, "login", "Exchange the code of a link for a token",
		func(_ context.Context, in *struct{ Body v1.Login }) (v1.Session, error) {
			now := a.Now()
			if a.Token == "" || !a.codes.take(in.Body.Code, now) {
				return v1.Session{}, script.Errorf(script.CodeForbidden, "this link was followed already, or is too old").
					WithHint("`mlhost ui` makes another")
			}
			until := now.Add(sessionTime)
			return v1.Session{Token: newSession(a.Token, until), Expires: until}, nil
		}, openToAll)
}
