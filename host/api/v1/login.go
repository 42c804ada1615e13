package v1

import "time"

// LoginCode answers `ui`: what makes a link that is good once.
type LoginCode struct {
	Code    string    `json:"code" doc:"good once, for a minute"`
	URL     string    `json:"url" doc:"of the page, with the code in its fragment"`
	Expires time.Time `json:"expires" doc:"when the code is good no more"`
}

// Login is a request to exchange a link's code.
type Login struct {
	Code string `json:"code" doc:"as the link has it"`
}

// Session is a token that was given for a code.
type Session struct {
	Token   string    `json:"token" doc:"goes into the header Authorization: Bearer TOKEN"`
	Expires time.Time `json:"expires" doc:"when the token is good no more"`
}
