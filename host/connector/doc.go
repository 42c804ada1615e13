// Package connector answers the commands of the connector protocol: one JSON
// object in, one JSON object out. Scripts written to the Python API send them
// by send_to_connector; under mlhost they arrive over the script's own link.
//
// The table of commands is in docs/connector.md. A command that fails is
// answered by {"error", "code", "hint"} and nothing else.
package connector
