// Package script is the vocabulary that host and plugins share: values, the
// specifications of parameters and variables, events, messages and errors.
// It depends on the standard library alone and does no input or output.
//
// A script is one named unit of work; a run is one execution of it. Facts
// that a run reports are events, requests to it are messages. See
// docs/architecture.md for the glossary that every name here follows.
package script
