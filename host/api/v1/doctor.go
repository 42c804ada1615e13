package v1

// Checks answers `doctor`.
type Checks struct {
	Checks []Check `json:"checks" doc:"in a fixed order"`
}

// Check is one thing that was looked at: what is so, and how to mend it where
// it is not as it should be.
type Check struct {
	Name   string      `json:"name" doc:"what was looked at" example:"free disk"`
	Status CheckStatus `json:"status" doc:"ok, warn, fail, or skip: there was nothing to look at" example:"warn"`
	Detail string      `json:"detail" doc:"what is so" example:"512 MiB of 20 GiB are free for /home/ann/.local/state/mlhost"`
	Fix    string      `json:"fix" doc:"how to mend it; empty where nothing is to be mended"`
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
