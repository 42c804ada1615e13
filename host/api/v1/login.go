package v1

import "time"

// LoginCode answers `ui`: what makes a link that is good once.
type LoginCode struct {
	Code    string    `json:"code"`
	URL     string    `json:"url"` // of the page, with the code in its fragment
	Expires time.Time `json:"expires"`
}

// Login is a request to exchange a link's code.
type Login struct {
	Code string `json:"code"`
}

// Session is a token that was given for a code.
type Session struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}
