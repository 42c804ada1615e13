// Package interpreter is the generic wrapper plugin: it runs a foreign script
// in its interpreter and gives it the face of a plugin. What the script prints
// becomes log events and, by patterns, samples; configured values get in as
// arguments, environment or files; a script that speaks JSON lines on the
// descriptor $MLHOST_FD (docs/protocol.md) is a full partner: it declares
// parameters that change while it runs, reports, asks and answers.
//
// The wrapper is the script's only relative: when it dies the script dies,
// and when the run ends no process that carries the run's mark is left.
package interpreter
