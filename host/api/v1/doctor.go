package v1

// Checks answers `doctor`.
type Checks struct {
	Checks []Check `json:"checks"`
}

// Check is one thing that was looked at: what is so, and how to mend it where
// it is not as it should be.
type Check struct {
	Name   string      `json:"name"`
	Status CheckStatus `json:"status"`
	Detail string      `json:"detail"`
	Fix    string      `json:"fix"`
}

// CheckStatus says how a Check went.
type CheckStatus string

// What a Check comes to. A warning and a failure are findings.
const (
	CheckOK   CheckStatus = "ok"
	CheckWarn CheckStatus = "warn"
	CheckFail CheckStatus = "fail"
	CheckSkip CheckStatus = "skip" // there was nothing to look at
)
