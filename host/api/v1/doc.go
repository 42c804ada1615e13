// Package v1 holds the JSON of the host's API: what /api/v1 answers, what the
// command line prints under --json, and what programs rely on. Keys are
// snake_case and only ever added; times are RFC 3339 with nanoseconds,
// durations seconds; what is unknown is null; NaN and infinities are the
// strings "NaN", "Infinity" and "-Infinity".
package v1
